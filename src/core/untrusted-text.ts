/** Cleans text that comes from outside (service, prompt, file name) before a person or a model reads it. */
import type { Redact } from './redaction.ts';

// C0 and C1 controls, bidi overrides and isolates, zero-width and other invisible marks, line separators, lone
// surrogates: what can hide or reorder the words around it.
export const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** How much of a text is read to show so many characters of it: most of it may be invisible. */
function readFor(maxCharacters: number): number {
  return 4 * maxCharacters + 1_000;
}

/** One line without control, bidi or invisible characters, at most `maxCharacters` long (an ellipsis marks the cut). */
export function cleanLine(text: string, maxCharacters = 300): string {
  const read = text.slice(0, readFor(maxCharacters));
  const flat = read.replace(INVISIBLE, ' ').replace(/\s+/gu, ' ').trim();
  const characters = [...flat];
  const isWhole = read.length === text.length && characters.length <= maxCharacters;
  return isWhole ? flat : `${characters.slice(0, maxCharacters - 1).join('')}…`;
}

/** Foreign text in quotation marks, so that it reads as a quotation and never as part of our sentence. */
export function fenced(text: string, maxCharacters = 300): string {
  return `"${cleanLine(text, maxCharacters).replaceAll('"', "'")}"`;
}

/** Text of any length that may contain a secret: cut, redacted, and on one line. */
export function cleanWithout(redact: Redact, text: string, maxCharacters = 300): string {
  return cleanLine(redact(text, readFor(maxCharacters)), maxCharacters);
}

/** The same in quotation marks. */
export function fencedWithout(redact: Redact, text: string, maxCharacters = 300): string {
  return fenced(cleanWithout(redact, text, maxCharacters), maxCharacters);
}
