/** The job object as text that is complete on its own: some hosts show nothing else. */

import type { Job } from '../core/job.ts';
import { isPlainId } from '../core/shown-remote.ts';
import { fenced } from '../core/untrusted-text.ts';
import { failureSentences } from './failure-text.ts';
import type { JobView } from './job-view.ts';

const PROMPT_SHOWN_CHARACTERS = 200;
const ID_SHOWN_CHARACTERS = 40;

export type JobTextOptions = {
  /** How long this call waited; shown when the picture was not finished by then. */
  waitedSeconds?: number | undefined;
  /** Further sentences about the parts of the answer. */
  notes?: readonly string[];
};

const DUPLICATE =
  'Duplicate: an equal request had already ordered this picture, so nothing was ordered or paid for now. An equal request is found only until 2 minutes after its job has finished. For another picture from the same request, call generate_image with allow_duplicate true.';

export function jobText(view: JobView, job: Job, { waitedSeconds, notes = [] }: JobTextOptions = {}): string {
  return lines(
    headline(view, job, waitedSeconds),
    view.duplicate && DUPLICATE,
    job.failure && failureSentences(job.failure),
    view.file !== undefined && `File: ${view.file}`,
    view.url !== undefined && `URL: ${view.url}`,
    `Picture: ${view.width} × ${view.height} pixels, ${creditsText(view)}.${otherSizeText(view)}`,
    `Prompt: ${fenced(view.prompt, PROMPT_SHOWN_CHARACTERS)}`,
    `Job: ${view.job_id}${job.remoteId === undefined ? '' : ` (at Doitong: ${shownId(job.remoteId)})`}`,
    view.sandbox && 'Sandbox: this is a test picture from the built-in sandbox; no real credits are spent.',
    ...notes,
    `Next: ${view.next}`,
  );
}

/** One line below the other, without those that do not apply. */
export function lines(...all: readonly (string | false | undefined)[]): string {
  return all.filter((line) => typeof line === 'string').join('\n');
}

function headline(view: JobView, job: Job, waitedSeconds: number | undefined): string {
  const after = waitedSeconds === undefined ? '' : ` after ${waitedSeconds} s of waiting`;
  switch (job.state) {
    case 'saved':
      return 'The picture is finished and saved.';
    case 'completed':
      return 'The picture is finished, but it is not saved on this machine.';
    case 'processing':
      return view.stalled
        ? `The job is stalled: the service still says ${fenced(job.remoteStatus || 'processing', 60)}.`
        : `The picture is not finished yet${after}; the service says ${fenced(job.remoteStatus || 'processing', 60)}.`;
    case 'queued':
      return `The request has not been sent yet${after}.`;
    case 'submitting':
      return job.failure === undefined
        ? `The request is being sent; the service has not confirmed it yet${after}.`
        : 'It is not known whether the service accepted the request.';
    case 'failed':
      return 'There is no picture.';
    case 'unknown':
      return 'It is not known whether the service made this picture; it may have been charged.';
    default:
      return job.state satisfies never;
  }
}

function otherSizeText({ ordered }: JobView): string {
  if (ordered === undefined) return '';
  return ` The service delivered a different size: ${ordered.width} × ${ordered.height} pixels were ordered.`;
}

export function creditsText(view: JobView): string {
  const { min, max, exact } = view.credits;
  if (view.status === 'failed' && view.error?.credits_spent === 'no') return 'no credits spent';
  return exact === undefined ? `${min} to ${max} credits by the price list` : `${exact} credits`;
}

function shownId(id: string): string {
  return isPlainId(id) ? id : fenced(id, ID_SHOWN_CHARACTERS);
}
