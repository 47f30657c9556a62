/** What goes to a terminal: no characters that could control it, hide something or reorder the words around them. */

// Controls, bidi and other invisible marks, lone surrogates, line separators; a line feed is what we write ourselves.
const INVISIBLE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with a space for each of them; otherwise as it is, so that a path can be copied. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, ' ');
}

/** JSON that shows as it is, and reads back as the same value: what would be invisible is escaped. */
export function visibleJson(value: unknown): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value, null, 2).replace(INVISIBLE, (character) => character.split('').map(escaped).join(''));
}

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

let opened = false;

/** Its reader may have left. Opening stderr costs Node some milliseconds of the start, so it waits for the first line. */
export function writeStderr(line: string): void {
  if (!opened) process.stderr.on('error', () => undefined);
  opened = true;
  process.stderr.write(line);
}
