/** Jobs as text that is complete on its own: some hosts show nothing else. */
import type { Job } from '../core/job.ts';
import { isPlainId } from '../core/shown-remote.ts';
import { fenced } from '../core/untrusted-text.ts';
import { failureSentences } from './failure-text.ts';
import { type BatchView, type JobView, otherTypeText, sizeText, statusText } from './job-view.ts';
import type { JobsOutcome } from './tool.ts';

const PROMPT_SHOWN_CHARACTERS = 200;
const BATCH_PROMPT_SHOWN_CHARACTERS = 80;
const ID_SHOWN_CHARACTERS = 40;
const STATUS_SHOWN_CHARACTERS = 60;

export type JobTextOptions = {
  /** How long this call waited; shown when the picture was not finished by then. */
  waitedSeconds?: number | undefined;
  /** Further sentences about the parts of the answer. */
  notes?: readonly string[];
};

const DUPLICATE =
  'Duplicate: an equal request had already ordered this picture, so nothing was ordered or paid for now. An equal request is found only until 2 minutes after its job has finished. For another picture from the same request, call generate_image with allow_duplicate true.';

export function jobText(view: JobView, job: Job, { waitedSeconds, notes = [] }: JobTextOptions = {}): string {
  const { ordered } = view;
  return lines(
    headline(view, job, waitedSeconds),
    view.duplicate && DUPLICATE,
    job.failure && failureSentences(job.failure),
    view.file !== undefined && `File: ${view.file}`,
    view.url !== undefined && `URL: ${view.url}`,
    `Picture: ${view.width} × ${view.height} pixels, ${creditsText(view)}.${ordered === undefined ? '' : ` The service delivered a different size: ${ordered.width} × ${ordered.height} pixels were ordered.`}`,
    `Prompt: ${fenced(view.prompt, PROMPT_SHOWN_CHARACTERS)}`,
    `Job: ${view.job_id}${job.remoteId === undefined ? '' : ` (at Doitong: ${shownId(job.remoteId)})`}`,
    view.sandbox && 'Sandbox: this is a test picture from the built-in sandbox; no real credits are spent.',
    ...notes,
    `Next: ${view.next}`,
  );
}

/** One line below the other, without those that do not apply. */
function lines(...all: readonly (string | false | undefined)[]): string {
  return all.filter((line) => typeof line === 'string').join('\n');
}

function headline({ stalled }: JobView, { state, failure, remoteStatus }: Job, waitedSeconds?: number): string {
  const after = waitedText(waitedSeconds);
  const says = fenced(remoteStatus || 'processing', STATUS_SHOWN_CHARACTERS);
  switch (state) {
    case 'saved':
      return 'The picture is finished and saved.';
    case 'completed':
      return 'The picture is finished, but it is not saved on this machine.';
    case 'processing':
      return stalled
        ? `The job is stalled: the service still says ${says}.`
        : `The picture is not finished yet${after}; the service says ${says}.`;
    case 'queued':
      return `The request has not been sent yet${after}.`;
    case 'submitting':
      return failure === undefined
        ? `The request is being sent; the service has not confirmed it yet${after}.`
        : 'It is not known whether the service accepted the request.';
    case 'failed':
      return 'There is no picture.';
    case 'unknown':
      return 'It is not known whether the service made this picture; it may have been charged.';
    default:
      return state satisfies never;
  }
}

function waitedText(seconds: number | undefined): string {
  return seconds === undefined ? '' : ` after ${seconds} s of waiting`;
}

function creditsText({ credits: { min, max, exact }, status, error }: JobView): string {
  if (status === 'failed' && error?.credits_spent === 'no') return 'no credits spent';
  return exact === undefined ? `${min} to ${max} credits by the price list` : `${exact} credits`;
}

function shownId(id: string): string {
  return isPlainId(id) ? id : fenced(id, ID_SHOWN_CHARACTERS);
}

/**
 * @param notes further sentences about the parts of the answer
 * @param isBare in the fewest words, for hosts that take no more: ids, states and files are all there
 */
export function batchText(view: BatchView, outcome: JobsOutcome, notes: readonly string[], isBare = false): string {
  const { jobs, completed, failed, pending } = view;
  const failures = failed > 0 ? `, ${failed} failed` : '';
  const open = pending > 0 ? `, ${pending} not finished yet${waitedText(outcome.waitedSeconds)}` : '';
  return lines(
    `${completed} of ${jobs.length} ${jobs.length === 1 ? 'picture is' : 'pictures are'} finished${failures}${open}.`,
    ...(isBare ? bareEntries(jobs) : jobs.map((job, at) => entryText(job, outcome.jobs[at], at + 1))),
    ...notes,
    jobs.some(({ sandbox }) => sandbox) && 'Sandbox: test pictures; no real credits are spent.',
    `Next: ${view.next}`,
  );
}

function entryText(view: JobView, job: Job | undefined, number: number): string {
  const prompt = fenced(view.prompt, BATCH_PROMPT_SHOWN_CHARACTERS);
  const duplicate = view.duplicate ? ' (ordered before; not paid again)' : '';
  return lines(
    `${number}. ${statusText(view)}, ${prompt}, ${sizeText(view)}, ${creditsText(view)}, job ${view.job_id}${duplicate}`,
    view.file !== undefined && `File: ${view.file}`,
    view.url !== undefined && `URL: ${view.url}`,
    job?.failure && failureSentences(job.failure).trim(),
    job && otherTypeText(job),
    view.status === 'unknown' && view.next,
  ).replaceAll('\n', '\n   ');
}

/** The folder that most files are in is named once. */
function bareEntries(jobs: readonly JobView[]): string[] {
  const folders = jobs.flatMap(({ file }) => (file === undefined ? [] : [folderOf(file)]));
  const filesIn = (folder: string): number => folders.filter((one) => one === folder).length;
  const [folder = ''] = folders.sort((one, other) => filesIn(other) - filesIn(one));
  const named = `Files are in ${folder} unless they are named with a folder. The job_id of a file stands in its name ("job_" and what follows).`;
  return [
    ...(folder === '' ? [] : [named]),
    ...jobs.map(({ job_id: id, status, file, error }, at) => {
      const name = file !== undefined && folderOf(file) === folder ? file.slice(folder.length) : file;
      const cost = error && `${error.kind}, credits spent: ${error.credits_spent}`;
      return [`${at + 1}. ${status}`, name?.includes(id) ? '' : id, cost, name].filter(Boolean).join(', ');
    }),
  ];
}

/** With its last separator, of either operating system. */
function folderOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}
