/** What `jobs list` prints: a table for terminals of any width, what it leaves out, and where the records are. */
import { cleanLine } from '../core/untrusted-text.ts';
import { type JobStatus, type JobView, statusText } from '../mcp/job-view.ts';
import { visible } from './terminal-text.ts';

export type JobsList = {
  /** Newest first, no more than were asked for. */
  views: readonly JobView[];
  /** How many of that status there are. */
  found: number;
  /** How many there are of every status. */
  onRecord: number;
  status: JobStatus | undefined;
  /** Origin of the service that they were ordered from. */
  service: string;
  folder: string;
  damaged: { folder: string; count: number };
};

export function jobsListText(list: JobsList): string {
  const { count, folder } = list.damaged;
  const aside = `${count === 1 ? '1 damaged record is' : `${count} damaged records are`} set aside in ${visible(folder)}`;
  return [
    ...(list.views.length === 0 ? [noneText(list)] : [jobsTable(list.views), '', countText(list)]),
    ...(count === 0 ? [] : [`${aside} and not listed.`]),
    `Records: ${visible(list.folder)}`,
  ].join('\n');
}

function noneText({ status, onRecord, service }: JobsList): string {
  const which = `for ${service} and this key`;
  if (onRecord === 0) return `There are no jobs on record ${which}.`;
  return `None of the ${jobs(onRecord)} on record ${which} has the status ${status}.`;
}

function countText({ views, found, status }: JobsList): string {
  const of = status === undefined ? '' : ` with the status ${status}`;
  if (views.length === found) return `${jobs(found)}${of}.`;
  return `The newest ${views.length} of ${jobs(found)}${of}; --limit N shows more.`;
}

const jobs = (count: number): string => (count === 1 ? '1 job' : `${count} jobs`);

const PROMPT_SHOWN_CHARACTERS = 40;
const GAP = '  ';

const HEAD = ['JOB', 'STATUS', 'CREATED', 'CREDITS', 'PROMPT', 'FILE'];

/** A line of headings, then a line for each job; the longest column is the last, so that it pushes nothing away. */
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

function creditsText({ credits, error, status }: JobView): string {
  if (status === 'failed' && error?.credits_spent === 'no') return '0';
  return credits.exact === undefined ? `${credits.min}–${credits.max}` : String(credits.exact);
}

/** The file, else the kind of failure in brackets. */
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
