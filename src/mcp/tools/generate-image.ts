/** The tool that orders one picture. */
import * as z from 'zod';
import type { CreditRange } from '../../core/credits.ts';
import type { ImageRequest } from '../../core/image-request.ts';
import { quoted } from '../../core/untrusted-text.ts';
import { checkSides, entryOf, orderArguments, pictureArguments } from '../image-arguments.ts';
import { redactValues } from '../redact-result.ts';
import { defineTool, type ToolOutcome } from '../tool.ts';
import { waitForJob } from '../wait-for-job.ts';
import { waitSecondsSchema } from '../wait-seconds.ts';

const input = z
  .strictObject({
    ...pictureArguments,
    wait_seconds: waitSecondsSchema
      .optional()
      .describe('How long to wait for the picture before answering with the job. Default: the setting, usually 45.'),
    ...orderArguments,
  })
  .check(checkSides);

export const generateImage = defineTool({
  name: 'generate_image',
  title: 'Generate an image',
  description:
    "Makes one new picture from a text description with Flux Pro and saves it on the user's disk. Use it when the " +
    'user wants a picture, illustration, photo, icon or background made. It pays for one picture: ' +
    '10–20 credits up to 1 megapixel, 30–50 at 2048 × 2048, up to 50 between. It takes 5 to 60 seconds. Returns the ' +
    'picture, its file path, URL, exact credits and job_id. An equal request that is still under way, or finished less ' +
    'than 2 minutes ago, is not ordered again: its job comes back with duplicate. If the picture is not finished within wait_seconds, the ' +
    'job comes back with another status than "completed": then call get_job_status with that job_id, and never call ' +
    'generate_image again because of a time-out, since that would order and pay for a second picture. For a good ' +
    'result name subject, style, mood, lighting, camera angle and composition.',
  effect: 'spend',
  input,
  hasViewer: true,
  async handle(args, context) {
    const jobs = await context.jobs();
    const { request, ...options } = entryOf(args, (url) => jobs.webhookTarget(url));
    const quote = jobs.quote([request], args.max_credits);
    // A repeated call is not asked about again: it finds its job.
    const twin = args.allow_duplicate ? undefined : await jobs.repeat(request, context.signal);
    const waitSeconds = args.wait_seconds ?? context.defaultWaitSeconds;
    if (twin !== undefined) return waitForJob(jobs, twin.id, waitSeconds, context, true);
    const { canAsk, answer } = context;
    const consent = jobs.consentTo({ quote, accepted: args.max_credits, canAsk, answer, tool: 'generate_image' });
    if (consent === 'ask') return question(redactValues(request, context.redact), quote);
    // The last look before money moves: a call that was cancelled by now orders nothing.
    context.signal.throwIfAborted();
    const { job, duplicate } = await jobs.order(request, options);
    try {
      return await waitForJob(jobs, job.id, waitSeconds, context, duplicate);
    } finally {
      // Nobody waits for it any more: an order that has not been sent yet is taken back.
      if (context.signal.aborted && !duplicate) jobs.withdraw(job.id);
    }
  },
});

function question(request: ImageRequest, quote: CreditRange): ToolOutcome {
  const { width, height, prompt } = request;
  return {
    type: 'ask',
    question: `Order one picture of ${width} × ${height} pixels from Flux Pro for ${quote.min} to ${quote.max} credits? Prompt: ${quoted(prompt, 200)}`,
    yes: `Yes, spend up to ${quote.max} credits`,
  };
}
