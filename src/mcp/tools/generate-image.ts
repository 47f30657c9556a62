/** The tool that orders one picture. */
import * as z from 'zod';
import type { CreditRange } from '../../core/credits.ts';
import {
  ASPECT_RATIO_NAMES,
  FLUX_VERSIONS,
  fileNameSchema,
  type ImageRequest,
  promptSchema,
  QUALITIES,
  SIDE_DEFAULT_PX,
  SIZES,
  sideSchema,
  sidesOf,
} from '../../core/image-request.ts';
import { quoted } from '../../core/untrusted-text.ts';
import { WEBHOOK_URL_MAX_CHARACTERS } from '../../core/webhook-url.ts';
import { redactValues } from '../redact-result.ts';
import { defineTool, type ToolOutcome } from '../tool.ts';
import { waitForJob } from '../wait-for-job.ts';
import { waitSecondsSchema } from '../wait-seconds.ts';

const MAX_CREDITS_MAX = 100_000_000;

const input = z
  .strictObject({
    prompt: promptSchema.describe(
      'What the picture shows: subject, style, mood, lighting, camera angle, composition. No contradictions.',
    ),
    aspect_ratio: z
      .enum(ASPECT_RATIO_NAMES)
      .optional()
      .describe('Shape of the picture; instead of width and height. Default 1:1.'),
    size: z
      .enum(SIZES)
      .optional()
      .describe('With aspect_ratio: standard is about 1 megapixel, large has its longest side at 2048 and costs more.'),
    width: sideSchema.optional().describe(`Width in pixels. Default ${SIDE_DEFAULT_PX}.`),
    height: sideSchema.optional().describe(`Height in pixels. Default ${SIDE_DEFAULT_PX}.`),
    version: z.enum(FLUX_VERSIONS).optional().describe("Model version. Default: the service's own choice."),
    quality: z.enum(QUALITIES).optional().describe("Quality. Default: the service's own choice."),
    file_name: fileNameSchema
      .optional()
      .describe('Name for the file, without folder and extension. Default: made from the prompt.'),
    wait_seconds: waitSecondsSchema
      .optional()
      .describe('How long to wait for the picture before answering with the job. Default: the setting, usually 45.'),
    allow_duplicate: z
      .boolean()
      .default(false)
      .describe(
        'Order a picture of its own although an equal request is under way or was finished less than 2 minutes ago. ' +
          'Only for a wanted variation, never because of a time-out.',
      ),
    max_credits: z
      .int()
      .min(1)
      .max(MAX_CREDITS_MAX)
      .optional()
      .describe('What may be spent on this call at most; the price that the user has accepted. Default: the settings.'),
    webhook_url: z
      .string()
      .min(1)
      .max(WEBHOOK_URL_MAX_CHARACTERS)
      .optional()
      .describe(
        'Https URL that Doitong posts to when the job ends, at the origin of the setting DOITONG_WEBHOOK_URL. Only when ' +
          'the user names one; the answer comes without it as well. Default: the setting.',
      ),
  })
  .check(({ value, issues }) => {
    if (value.aspect_ratio === undefined && value.size === undefined) return;
    for (const side of ['width', 'height'] as const) {
      if (value[side] === undefined) continue;
      const message = 'must be left out when aspect_ratio or size is given; give either both sides or a ratio';
      issues.push({ code: 'custom', path: [side], message, input: value[side] });
    }
  });

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
  async handle(args, context) {
    const jobs = await context.jobs();
    const webhookUrl = args.webhook_url === undefined ? undefined : jobs.webhookTarget(args.webhook_url);
    const sides = sidesOf({ ...args, aspectRatio: args.aspect_ratio });
    const request: ImageRequest = {
      prompt: args.prompt,
      ...sides,
      ...(args.version === undefined ? {} : { version: args.version }),
      ...(args.quality === undefined ? {} : { quality: args.quality }),
    };
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
    const { job, duplicate } = await jobs.order(request, {
      allowDuplicate: args.allow_duplicate,
      ...(args.file_name === undefined ? {} : { fileName: args.file_name }),
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
    });
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
