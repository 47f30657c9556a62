/** Several jobs as text that is complete on its own, and as data: both from the same value. */
import type { Job } from '../core/job.ts';
import { fenced } from '../core/untrusted-text.ts';
import { failureSentences } from './failure-text.ts';
import { type JobView, type JobViewOptions, jobView, lowBalanceText, otherTypeText } from './job-view.ts';
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
  const low = outcome.jobs.some(({ failure }) => failure?.kind === 'no_credits')
    ? undefined
    : lowBalanceText(lowBalance);
  const notes = [...nextSteps(counts, outcome.repeatable), low].filter((note) => note !== undefined);
  return { jobs, ...counts, next: notes.join(' ') };
}

type Counts = { completed: number; failed: number; pending: number };

function nextSteps({ completed, failed, pending }: Counts, repeatable: boolean): string[] {
  const again = repeatable
    ? 'Call generate_images again with exactly the same arguments: until 2 minutes after the last picture has finished, it finds these jobs, waits for the rest, and orders again only what failed without a charge; later it would order and pay for all of them again. get_job_status waits for a single job.'
    : 'Call get_job_status with the job_id of each unfinished picture; do not repeat this call: it would order the pictures with allow_duplicate again.';
  return [
    ...(pending > 0 ? [again] : []),
    ...(completed > 0 ? ['Show the finished pictures to the user and say where the files are.'] : []),
    ...(failed > 0
      ? [
          'Each failed picture says why it failed; order it again with generate_image only if it is still wanted: that is a new, paid order.',
        ]
      : []),
  ];
}

/** @param notes what else is to be said of the parts of the answer */
export function batchText(view: BatchView, outcome: JobsOutcome, notes: readonly string[]): string {
  const sandbox = view.jobs.some((job) => job.sandbox)
    ? ['Sandbox: these are test pictures from the built-in sandbox; no real credits are spent.']
    : [];
  return [
    headline(view, outcome.waitedSeconds),
    ...view.jobs.map((job, at) => entryText(job, outcome.jobs[at], at + 1)),
    ...notes,
    ...sandbox,
    `Next: ${view.next}`,
  ].join('\n');
}

export function headline({ jobs, completed, failed, pending }: BatchView, waitedSeconds: number | undefined): string {
  const total = jobs.length;
  const of = total === 1 ? 'picture is' : 'pictures are';
  const after = waitedSeconds === undefined ? '' : ` after ${waitedSeconds} s of waiting`;
  return [
    `${completed} of ${total} ${of} finished`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(pending > 0 ? [`${pending} not finished yet${after}`] : []),
  ]
    .join(', ')
    .concat('.');
}

function sizeText({ width, height, ordered }: JobView): string {
  const other = ordered === undefined ? '' : ` (ordered: ${ordered.width} × ${ordered.height})`;
  return `${width} × ${height}${other}`;
}

function entryText(view: JobView, job: Job | undefined, number: number): string {
  const { exact, min, max } = view.credits;
  const price =
    view.error?.credits_spent === 'no'
      ? 'no credits spent'
      : exact === undefined
        ? `${min} to ${max} credits by the price list`
        : `${exact} credits`;
  const otherType = job && otherTypeText(job);
  const pieces = [
    `${number}. ${view.status}${view.stalled ? ' (stalled)' : ''}, ${fenced(view.prompt, PROMPT_SHOWN_CHARACTERS)}, ${sizeText(view)}, ${price}, job ${view.job_id}${view.duplicate ? ' (ordered before; not paid again)' : ''}`,
    ...(view.file === undefined ? [] : [`   File: ${view.file}`]),
    ...(view.url === undefined ? [] : [`   URL: ${view.url}`]),
    ...(job?.failure === undefined ? [] : [`   ${failureSentences(job.failure).trim()}`]),
    ...(otherType === undefined ? [] : [`   ${otherType}`]),
    ...(view.status === 'unknown' ? [`   ${view.next}`] : []),
  ];
  return pieces.join('\n');
}
