/** The tool that orders one picture. */

import * as z from 'zod';
import type { CreditRange } from '../../core/credits.ts';
import type { ImageRequest } from '../../core/image-request.ts';
import { redactValues } from '../../core/redaction.ts';
import { fenced } from '../../core/untrusted-text.ts';
import { checkSides, entryOf, maxCreditsText, orderArguments, pictureArguments } from '../image-arguments.ts';
import { defineTool, type ToolOutcome } from '../tool.ts';
import { waitForJob } from '../wait-for-job.ts';
import { waitSecondsSchema } from '../wait-seconds.ts';

const input = z
  .strictObject({
    ...pictureArguments,
    wait_seconds: waitSecondsSchema
      .optional()
      .describe(
        "How many seconds to wait for the picture, 0–300, before answering with the job. Default: the user's setting, " +
          'usually 45.',
      ),
    ...orderArguments,
    max_credits: orderArguments.max_credits.describe(maxCreditsText('this call')),
  })
  .check(checkSides);

export const generateImage = defineTool({
  name: 'generate_image',
  title: 'Generate an image',
  description:
    "Makes one new picture from a text description with Flux Pro and saves it on the user's disk. Use it when the " +
    'user wants a picture, illustration, photo, icon or background. Each order costs 10–20 credits up to 1 megapixel, ' +
    '30–50 at 2048 × 2048, and up to 50 in between. It takes 5 to 60 seconds. Returns the picture, its file path, ' +
    'URL, exact price and job_id. An equal request finds its job, marked as a duplicate, and costs nothing while that ' +
    'job is unfinished and for 2 minutes after it has finished; later it orders and pays for a new picture. If the ' +
    'status is not "completed" after wait_seconds, call get_job_status with the job_id; never call generate_image ' +
    'again because of a time-out. For a good result, name subject, style, mood, lighting, camera angle and composition.',
  effect: 'spend',
  input,
  hasViewer: true,
  async handle(args, context) {
    const jobs = await context.jobs();
    const { request, ...options } = entryOf(args);
    const estimate = jobs.estimate([request], args.max_credits);
    // A repeated call is not asked about again: it finds its job.
    const existing = args.allow_duplicate ? undefined : await jobs.repeat(request, context.signal);
    const waitSeconds = args.wait_seconds ?? context.defaultWaitSeconds;
    if (existing !== undefined) return waitForJob(jobs, existing.id, waitSeconds, context, true);
    const { canAsk, answer } = context;
    const confirmation = jobs.confirm({ estimate, accepted: args.max_credits, canAsk, answer, tool: 'generate_image' });
    if (confirmation === 'ask') return question(redactValues(request, context.redact), estimate);
    // The last check before money moves: a call that was cancelled by now orders nothing.
    context.signal.throwIfAborted();
    const { job, duplicate } = await jobs.order(request, options);
    try {
      return await waitForJob(jobs, job.id, waitSeconds, context, duplicate);
    } finally {
      // Nobody waits for it any more: an order that has not been sent yet is taken back.
      if (context.signal.aborted && !duplicate) jobs.cancelUnsent(job.id);
    }
  },
});

function question(request: ImageRequest, estimate: CreditRange): ToolOutcome {
  const { width, height, prompt } = request;
  return {
    type: 'ask',
    question: `Order one picture of ${width} × ${height} pixels from Flux Pro for ${estimate.min} to ${estimate.max} credits? Prompt: ${fenced(prompt, 200)}`,
    yes: `Yes, spend up to ${estimate.max} credits`,
  };
}
