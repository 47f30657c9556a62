/** Several jobs as text that is complete on its own, and as data: both from the same value. */
import type { Job } from '../core/job.ts';
import { fenced } from '../core/untrusted-text.ts';
import { failureSentences } from './failure-text.ts';
import { creditsText, lines } from './job-text.ts';
import {
  type JobView,
  type JobViewOptions,
  jobView,
  lowBalanceText,
  otherTypeText,
  sizeText,
  statusText,
} from './job-view.ts';
import type { JobsOutcome } from './tool.ts';

const PROMPT_SHOWN_CHARACTERS = 80;

/** The result of a call for several pictures; `jobs` in the order of its entries. */
export type BatchView = { jobs: JobView[]; completed: number; failed: number; pending: number; next: string };

export function batchView(outcome: JobsOutcome, options: JobViewOptions): BatchView {
  // The balance is named once, for all of them.
  const { lowBalance, ...rest } = options;
  const jobs = outcome.jobs.map((job) => jobView(job, { ...rest, duplicate: outcome.duplicates.has(job.id) }));
  const count = (...statuses: JobView['status'][]): number =>
    jobs.filter(({ status }) => statuses.includes(status)).length;
  const counts = {
    completed: count('completed'),
    failed: count('failed'),
    pending: count('queued', 'submitting', 'processing', 'unknown'),
  };
  const saysSoItself = outcome.jobs.some(({ failure }) => failure?.kind === 'no_credits');
  const low = saysSoItself ? undefined : lowBalanceText(lowBalance);
  const notes = [...nextSteps(counts, outcome.repeatable), ...(low === undefined ? [] : [low])];
  return { jobs, ...counts, next: notes.join(' ') };
}

const SHOW = 'Show the finished pictures to the user and say where the files are.';
const AGAIN =
  'Call generate_images again with exactly the same arguments: until 2 minutes after the last picture has finished, it finds these jobs, waits for the rest, and orders again only what failed without a charge; later it would order and pay for all of them again. get_job_status waits for a single job.';
const STATUS_ONLY =
  'Call get_job_status with the job_id of each unfinished picture; do not repeat this call: it would order the pictures with allow_duplicate again.';
const FAILED =
  'Each failed picture says why it failed; order it again with generate_image only if it is still wanted: that is a new, paid order.';

function nextSteps(counts: Pick<BatchView, 'completed' | 'failed' | 'pending'>, repeatable: boolean): string[] {
  return [
    ...(counts.pending > 0 ? [repeatable ? AGAIN : STATUS_ONLY] : []),
    ...(counts.completed > 0 ? [SHOW] : []),
    ...(counts.failed > 0 ? [FAILED] : []),
  ];
}

/**
 * @param notes further sentences about the parts of the answer
 * @param isBare in the fewest words, for hosts that take no more: ids, states and files are all there
 */
export function batchText(view: BatchView, outcome: JobsOutcome, notes: readonly string[], isBare = false): string {
  return lines(
    headline(view, outcome.waitedSeconds),
    ...(isBare ? bareEntries(view.jobs) : view.jobs.map((job, at) => entryText(job, outcome.jobs[at], at + 1))),
    ...notes,
    view.jobs.some((job) => job.sandbox) && 'Sandbox: test pictures; no real credits are spent.',
    `Next: ${view.next}`,
  );
}

function headline({ jobs, completed, failed, pending }: BatchView, waitedSeconds: number | undefined): string {
  const of = jobs.length === 1 ? 'picture is' : 'pictures are';
  const after = waitedSeconds === undefined ? '' : ` after ${waitedSeconds} s of waiting`;
  const others = [failed > 0 && `, ${failed} failed`, pending > 0 && `, ${pending} not finished yet${after}`];
  return `${completed} of ${jobs.length} ${of} finished${others.filter(Boolean).join('')}.`;
}

function entryText(view: JobView, job: Job | undefined, number: number): string {
  const prompt = fenced(view.prompt, PROMPT_SHOWN_CHARACTERS);
  const duplicate = view.duplicate ? ' (ordered before; not paid again)' : '';
  const further = lines(
    view.file !== undefined && `File: ${view.file}`,
    view.url !== undefined && `URL: ${view.url}`,
    job?.failure && failureSentences(job.failure).trim(),
    job && otherTypeText(job),
    view.status === 'unknown' && view.next,
  );
  return `${number}. ${statusText(view)}, ${prompt}, ${sizeText(view)}, ${creditsText(view)}, job ${view.job_id}${duplicate}${indented(further)}`;
}

function indented(text: string): string {
  return text === '' ? '' : `\n${text}`.replaceAll('\n', '\n   ');
}

function bareEntries(jobs: readonly JobView[]): string[] {
  const folder = mostCommon(jobs.flatMap(({ file }) => (file === undefined ? [] : [folderOf(file)])));
  const named = `Files are in ${folder} unless they are named with a folder. The job_id of a file stands in its name ("job_" and what follows).`;
  return [...(folder === undefined ? [] : [named]), ...jobs.map((job, at) => `${at + 1}. ${bareEntry(job, folder)}`)];
}

function bareEntry({ job_id: id, status, file, error }: JobView, folder: string | undefined): string {
  const name = file !== undefined && folderOf(file) === folder ? file.slice(folder.length) : file;
  return [
    status,
    ...(name?.includes(id) ? [] : [id]),
    ...(error === undefined ? [] : [`${error.kind}, credits spent: ${error.credits_spent}`]),
    ...(name === undefined ? [] : [name]),
  ].join(', ');
}

/** With its last separator, of either operating system. */
function folderOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}

function mostCommon(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0];
}
