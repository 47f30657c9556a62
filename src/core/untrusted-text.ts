/** Cleans text that comes from outside (service, prompt, file name) before a person or a model reads it. */

// C0 and C1 controls, bidi overrides and isolates, zero-width and other invisible marks, line separators, lone
// surrogates: what can hide or reorder the words around it.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** One line without control, bidi or invisible characters, at most `maxCharacters` long (an ellipsis marks the cut). */
export function cleanLine(text: string, maxCharacters = 300): string {
  const flat = text.replace(INVISIBLE, ' ').replace(/\s+/gu, ' ').trim();
  const characters = [...flat];
  return characters.length <= maxCharacters ? flat : `${characters.slice(0, maxCharacters - 1).join('')}…`;
}

/** Foreign text in quotation marks, so that it reads as a quotation and never as part of our sentence. */
export function quoted(text: string, maxCharacters = 300): string {
  return `"${cleanLine(text, maxCharacters).replaceAll('"', "'")}"`;
}
