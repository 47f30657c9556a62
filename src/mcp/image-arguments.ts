/** The arguments that describe one picture, the same for every tool that orders pictures. */
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
} from '../core/image-request.ts';
import { WEBHOOK_URL_MAX_CHARACTERS } from '../core/webhook-url.ts';
import type { Entry } from '../jobs/orders.ts';

const MAX_CREDITS_MAX = 100_000_000;

/** What a call may spend at most. */
export const maxCreditsSchema = z.int().min(1).max(MAX_CREDITS_MAX);

export const pictureArguments = {
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
};

/** What else is said of an order, after the arguments that a tool puts in between. */
export const orderArguments = {
  allow_duplicate: z
    .boolean()
    .default(false)
    .describe(
      'Order a picture of its own although an equal request is under way or was finished less than 2 minutes ago. ' +
        'Only for a wanted variation, never because of a time-out.',
    ),
  max_credits: maxCreditsSchema
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
};

type Sides = Partial<Record<'aspect_ratio' | 'size' | 'width' | 'height', unknown>>;

/** A check for the schema of a whole picture: sides and a ratio exclude each other. */
export function checkSides({ value, issues }: { value: Sides; issues: z.core.$ZodRawIssue[] }): void {
  if (value.aspect_ratio === undefined && value.size === undefined) return;
  for (const side of ['width', 'height'] as const) {
    if (value[side] === undefined) continue;
    const message = 'must be left out when aspect_ratio or size is given; give either both sides or a ratio';
    issues.push({ code: 'custom', path: [side], message, input: value[side] });
  }
}

const picture = z.object({ ...pictureArguments, ...orderArguments });
type PictureArguments = z.output<typeof picture>;

/** @param webhookTarget checks where the end of the job is announced. @throws FluxError of kind `bad_input` */
export function entryOf(args: PictureArguments, webhookTarget: (url: string) => string): Entry {
  const sides = sidesOf({ ...args, aspectRatio: args.aspect_ratio });
  const request: ImageRequest = {
    prompt: args.prompt,
    ...sides,
    ...(args.version === undefined ? {} : { version: args.version }),
    ...(args.quality === undefined ? {} : { quality: args.quality }),
  };
  return {
    request,
    allowDuplicate: args.allow_duplicate,
    ...(args.file_name === undefined ? {} : { fileName: args.file_name }),
    ...(args.webhook_url === undefined ? {} : { webhookUrl: webhookTarget(args.webhook_url) }),
  };
}
