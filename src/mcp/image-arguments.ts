/** The arguments that describe one picture, the same for every tool that orders pictures. */
import * as z from 'zod';
import type { Order } from '../core/image-request.ts';
import {
  ASPECT_RATIO_NAMES,
  FLUX_VERSIONS,
  type ImageRequest,
  QUALITIES,
  SIDE_DEFAULT_PX,
  SIZES,
  sidesOf,
} from '../core/image-request.ts';
import { fileNameSchema, promptSchema, sideSchema } from './image-schemas.ts';

const MAX_CREDITS_MAX = 100_000_000;

/** What a call may spend at most. */
export const maxCreditsSchema = z.int().min(1).max(MAX_CREDITS_MAX);

/** Bounds, choices and defaults are in the words, too: not every host passes the schema's keywords on to its model. */
export const pictureArguments = {
  prompt: promptSchema.describe(
    'What the picture shows, in 1–4,000 characters: subject, style, mood, lighting, camera angle and composition, ' +
      'without contradictions.',
  ),
  aspect_ratio: z
    .enum(ASPECT_RATIO_NAMES)
    .optional()
    .describe(`Shape of the picture, in place of width and height: ${choices(ASPECT_RATIO_NAMES)}. Default: 1:1.`),
  size: z
    .enum(SIZES)
    .optional()
    .describe(
      'Size for an aspect_ratio: standard (about 1 megapixel) or large (longest side 2048 pixels, costs more). ' +
        'Default: standard.',
    ),
  width: sideSchema.optional().describe(sideText('Width')),
  height: sideSchema.optional().describe(sideText('Height')),
  version: z
    .enum(FLUX_VERSIONS)
    .optional()
    .describe(`Version of the model: ${choices(FLUX_VERSIONS)}. Default: the service chooses.`),
  quality: z
    .enum(QUALITIES)
    .optional()
    .describe(`Quality: ${choices(QUALITIES)} is the only value. Default: the service chooses.`),
  file_name: fileNameSchema
    .optional()
    .describe('Name of the file, 1–80 characters, without folder and extension. Default: made from the prompt.'),
};

function choices(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(' or ');
}

function sideText(side: string): string {
  return `${side} in pixels, a multiple of 8 from 256 to 2048. Default: ${SIDE_DEFAULT_PX}.`;
}

export const maxCreditsText = (of: string): string =>
  `The most that ${of} may cost, from 1 to 100,000,000 credits: the price that the user has accepted. Default: the user's settings.`;

/** What else is said of an order, after the arguments that a tool puts in between. */
export const orderArguments = {
  allow_duplicate: z
    .boolean()
    .default(false)
    .describe(
      'Whether to order another picture although an equal request is unfinished or has finished less than 2 minutes ' +
        'ago: only for a variation that the user wants, never because of a time-out. Default: false.',
    ),
  max_credits: maxCreditsSchema.optional().describe(maxCreditsText('this picture')),
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

export function orderOf(args: PictureArguments): Order {
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
  };
}
