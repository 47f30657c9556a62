/** The schemas of a prompt, a side and a file name, with what is said of values that they refuse. */
import * as z from 'zod';
import {
  FILE_NAME_MAX_CHARACTERS,
  PROMPT_MAX_CHARACTERS,
  SIDE_MAX_PX,
  SIDE_MIN_PX,
  SIDE_STEP_PX,
} from '../core/image-request.ts';

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
