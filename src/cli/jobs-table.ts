/** The table of jobs that `jobs list` prints: plain text that a person reads and a terminal of any width can hold. */
import { cleanLine } from '../core/untrusted-text.ts';
import type { JobView } from '../mcp/job-view.ts';
import { visible } from './terminal-text.ts';

const PROMPT_SHOWN_CHARACTERS = 40;
const GAP = '  ';

const HEAD = ['JOB', 'STATUS', 'CREATED', 'CREDITS', 'PROMPT', 'FILE'];

/** One line a job under a line of headings; the longest column is the last, so that nothing behind it is pushed away. */
export function jobsTable(views: readonly JobView[]): string {
  const rows = [HEAD, ...views.map(columns)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column] ?? ''))));
  const line = (row: readonly string[]): string =>
    row.map((text, column) => text + ' '.repeat((widths[column] ?? 0) - columnsOf(text))).join(GAP);
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

function columns(view: JobView): string[] {
  return [
    view.job_id,
    statusText(view),
    // To the second: the fraction helps nobody.
    view.created_at.replace(/\.\d+Z$/u, 'Z'),
    creditsText(view),
    cleanLine(view.prompt, PROMPT_SHOWN_CHARACTERS),
    whereText(view),
  ];
}

/** As the tools call it. */
function statusText(view: JobView): string {
  return view.stalled ? `${view.status} (stalled)` : view.status;
}

function creditsText({ credits, error, status }: JobView): string {
  if (status === 'failed' && error?.credits_spent === 'no') return '0';
  return credits.exact === undefined ? `${credits.min}–${credits.max}` : String(credits.exact);
}

/** The file, else in brackets what stands in its way. */
function whereText({ file, error }: JobView): string {
  if (file !== undefined) return visible(file);
  return error === undefined ? '' : `(${error.kind})`;
}

// East Asian scripts, full-width forms and pictographs take two columns; marks that combine take none.
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const COMBINING = /\p{M}/u;

/** Columns of a terminal that the text takes; a guess where fonts differ. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}
