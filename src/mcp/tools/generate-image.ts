/** The tool that orders one picture. */
import * as z from 'zod';
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
import { defineTool } from '../tool.ts';
import { waitForJob } from '../wait-for-job.ts';
import { waitSecondsSchema } from '../wait-seconds.ts';

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
    'user wants a picture, illustration, photo, icon or background made. Every call orders and pays for one picture: ' +
    '10–20 credits up to 1 megapixel, 30–50 at 2048 × 2048, up to 50 between. It takes 5 to 60 seconds. Returns the ' +
    'picture, its file path, URL, exact credits and job_id. If the picture is not finished within wait_seconds, the ' +
    'job comes back with another status than "completed": then call get_job_status with that job_id, and never call ' +
    'generate_image again because of a time-out, since that would order and pay for a second picture. For a good ' +
    'result name subject, style, mood, lighting, camera angle and composition.',
  effect: 'spend',
  input,
  async handle(args, context) {
    const jobs = await context.jobs();
    const sides = sidesOf({ ...args, aspectRatio: args.aspect_ratio });
    const request: ImageRequest = {
      prompt: args.prompt,
      ...sides,
      ...(args.version === undefined ? {} : { version: args.version }),
      ...(args.quality === undefined ? {} : { quality: args.quality }),
    };
    // The last look before money moves: a call that was cancelled by now orders nothing.
    context.signal.throwIfAborted();
    const job = await jobs.order(request, args.file_name === undefined ? {} : { fileName: args.file_name });
    return waitForJob(jobs, job.id, args.wait_seconds ?? context.defaultWaitSeconds, context);
  },
});
