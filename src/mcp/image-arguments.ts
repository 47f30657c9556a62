/** The arguments that describe one picture, the same for every tool that orders pictures. */
import * as z from 'zod';
import {
  ASPECT_RATIO_NAMES,
  FILE_NAME_MAX_CHARACTERS,
  FLUX_VERSIONS,
  type ImageRequest,
  type Order,
  PROMPT_MAX_CHARACTERS,
  QUALITIES,
  SIDE_DEFAULT_PX,
  SIDE_MAX_PX,
  SIDE_MIN_PX,
  SIDE_STEP_PX,
  SIZES,
  sidesOf,
} from '../core/image-request.ts';
import { present } from './job-view.ts';
import { choices } from './tool.ts';

// Controls other than tab and line breaks never belong to a description of a picture; a lone surrogate cannot be
// sent as UTF-8 without being changed.
const FORBIDDEN_IN_PROMPT = /[^\P{Cc}\t\n\r]|\p{Cs}/u;
const FORBIDDEN_IN_FILE_NAME = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\/:*?"<>|]/u;

// What shows something: neither white space nor a character without a glyph of its own.
const VISIBLE = /[^\s\p{Cf}]/u;

function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export const promptSchema = z
  .string()
  .refine((text) => VISIBLE.test(text), { error: 'must say what the picture shows; it is empty', abort: true })
  .refine((text) => characterCount(text) <= PROMPT_MAX_CHARACTERS, {
    error: (issue) =>
      `must be 1 to ${PROMPT_MAX_CHARACTERS} characters; it has ${characterCount(String(issue.input))} characters`,
    abort: true,
  })
  .refine((text) => !FORBIDDEN_IN_PROMPT.test(text), {
    error:
      'must not contain control characters (line breaks and tabs are fine) or broken ones (half of a surrogate pair)',
  })
  .meta({ minLength: 1, maxLength: PROMPT_MAX_CHARACTERS });

export const sideSchema = z.int().min(SIDE_MIN_PX).max(SIDE_MAX_PX).multipleOf(SIDE_STEP_PX);

export const fileNameSchema = z
  .string()
  .refine((text) => text.trim().length > 0 && characterCount(text) <= FILE_NAME_MAX_CHARACTERS, {
    error: `must be 1 to ${FILE_NAME_MAX_CHARACTERS} characters`,
    abort: true,
  })
  .refine((text) => !FORBIDDEN_IN_FILE_NAME.test(text) && !text.startsWith('.'), {
    error: 'must be a plain name, never a path: no / \\ : * ? " < > |, no control characters, no dot at the start',
  })
  .meta({ minLength: 1, maxLength: FILE_NAME_MAX_CHARACTERS });

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
  width: sideArgument('Width'),
  height: sideArgument('Height'),
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

function sideArgument(side: string) {
  const text = `${side} in pixels, a multiple of 8 from 256 to 2048. Default: ${SIDE_DEFAULT_PX}.`;
  return sideSchema.optional().describe(text);
}

/** @param of what may cost at most so much, as the subject of the sentence */
export function maxCreditsArgument(of: string) {
  const text = `The most that ${of} may cost, from 1 to 100,000,000 credits: the price that the user has accepted. Default: the user's settings.`;
  return z.int().min(1).max(100_000_000).optional().describe(text);
}

/** Seconds; 0 answers at once. */
export const waitSecondsSchema = z.number().min(0).max(300);

export function waitSecondsArgument(picture: string, job: string) {
  const text = `How many seconds to wait for ${picture}, 0–300, before answering with the ${job}. Default: the user's setting, usually 45.`;
  return waitSecondsSchema.optional().describe(text);
}

export const allowDuplicateArgument = z
  .boolean()
  .default(false)
  .describe(
    'Whether to order another picture although an equal request is unfinished or has finished less than 2 minutes ' +
      'ago: only for a variation that the user wants, never because of a time-out. Default: false.',
  );

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

const picture = z.object({ ...pictureArguments, allow_duplicate: allowDuplicateArgument });

export function orderOf(args: z.output<typeof picture>): Order {
  const { prompt, version, quality, aspect_ratio: aspectRatio, size, width, height } = args;
  const sides = sidesOf({ aspectRatio, size, width, height });
  const request = present<ImageRequest>({ prompt, ...sides, version, quality });
  return present<Order>({ request, allowDuplicate: args.allow_duplicate, fileName: args.file_name });
}
