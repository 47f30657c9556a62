/** The tool that orders one picture. */

import * as z from 'zod';
import type { CreditRange } from '../../core/credits.ts';
import type { Order } from '../../core/image-request.ts';
import { redactValues } from '../../core/redaction.ts';
import { fenced } from '../../core/untrusted-text.ts';
import type { Question } from '../confirmation.ts';
import { checkSides, maxCreditsText, orderArguments, orderOf, pictureArguments } from '../image-arguments.ts';
import { placeOrders } from '../place-orders.ts';
import { defineTool } from '../tool.ts';
import { waitForJob, waitSecondsSchema } from '../wait-for-job.ts';

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
    const waitSeconds = args.wait_seconds ?? context.defaultWaitSeconds;
    const call = { tool: 'generate_image', accepted: args.max_credits, isBatch: false };
    return placeOrders([orderOf(args)], call, context, {
      question: ({ added, estimate }) => question(redactValues(added, context.redact), estimate),
      wait: async (jobs, [ordered]) => {
        if (ordered === undefined) throw new Error('an order was neither placed nor refused');
        return waitForJob(jobs, ordered.job.id, waitSeconds, context, ordered.duplicate);
      },
    });
  },
});

function question([order]: readonly Order[], { min, max }: CreditRange): Question {
  if (order === undefined) throw new Error('there is nothing to ask about');
  const { width, height, prompt } = order.request;
  return {
    question: `Order one picture of ${width} × ${height} pixels from Flux Pro for ${min} to ${max} credits? Prompt: ${fenced(prompt, 200)}`,
    yes: `Yes, spend up to ${max} credits`,
  };
}
