/** Finds lines of a text for readers that do not hold whole sentences: what an edit leaves behind that lost a line. */

const MARKER = /^(?:- |> |#+ |\d+\. )+/u;
/** A capital letter, a digit, an opening mark, or a name that is always written in lower case. */
const BEGINS = /^(?:\p{Lu}|\d|"|\*\*|`|flux-pro-mcp\b|[a-z]+_[a-z_]+\b)/u;
const ENDS = /[.:?!](?:"|\))?$/u;

/** Headings need no full stop. */
export function brokenLines(text: string): string[] {
  const lines = text.split('\n').map((line) => ({ line, bare: line.replace(MARKER, '').trim() }));
  return lines
    .filter(({ bare }) => bare !== '')
    .filter(({ line, bare }) => !BEGINS.test(bare) || !(line.startsWith('#') || ENDS.test(bare)) || isUnbalanced(bare))
    .map(({ line }) => line);
}

function isUnbalanced(line: string): boolean {
  const count = (sign: string): number => line.split(sign).length - 1;
  return count('"') % 2 !== 0 || count('(') !== count(')') || count('`') % 2 !== 0 || count('**') % 2 !== 0;
}
