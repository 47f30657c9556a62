/** Jobs as agents get them, one or several: the job object of the public interface, and a text that is complete alone. */
import * as z from 'zod';
import { cleanLine, fenced, isPlainId, shownAddress } from '../core/untrusted-text.ts';
import { FAILURE_KINDS, type Failure } from '../core/failure.ts';
import { PROMPT_MAX_CHARACTERS } from '../core/image-request.ts';
import { SHOWN_TYPES } from '../core/image-store.ts';
import { type Job, type JobState, orderedSize, sizeOf, STALLED_AFTER_MS } from '../core/job.ts';
import { failureSentences, nextOf, nextStepForJob, saidOf, secondsLeft, waitFor } from './failure-text.ts';
import type { JobsOutcome, SingleOutcome } from './tool.ts';
import { lasting, minuteOf } from './words/times.ts';

export const JOB_STATUSES = ['queued', 'submitting', 'processing', 'completed', 'failed', 'unknown'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Times are ISO 8601 in UTC, sizes pixels, credits the provider's. Absent values are absent. */
export const jobViewSchema = z.strictObject({
  job_id: z.string(),
  doitong_id: z.string().optional(),
  status: z.enum(JOB_STATUSES),
  stalled: z.boolean().optional(),
  prompt: z.string(),
  width: z.int(),
  height: z.int(),
  ordered: z.strictObject({ width: z.number(), height: z.number() }).optional(),
  version: z.string().optional(),
  batch_id: z.string().optional(),
  number: z.int().optional(),
  credits: z.strictObject({ min: z.number(), max: z.number(), exact: z.number().optional() }),
  url: z.string().optional(),
  file: z.string().optional(),
  created_at: z.string(),
  completed_at: z.string().optional(),
  error: z
    .strictObject({
      kind: z.enum(FAILURE_KINDS),
      message: z.string(),
      credits_spent: z.enum(['no', 'maybe', 'yes']),
      retry_after_seconds: z.number().optional(),
    })
    .optional(),
  duplicate: z.boolean().optional(),
  sandbox: z.boolean().optional(),
  next: z.string(),
});
export type JobView = z.output<typeof jobViewSchema>;

export type JobViewOptions = {
  now: number;
  /** Addresses of this origin are shown even if they are on this machine. */
  apiUrl?: string | undefined;
  duplicate?: boolean | undefined;
  /** The last known balance in credits, when it is low. */
  lowBalance?: number | undefined;
  /** Jobs whose call was given up, and which no answer has shown. */
  missed?: readonly Job[] | undefined;
};

export function jobView(job: Job, options: JobViewOptions): JobView {
  const stalled = job.state === 'processing' && options.now - job.createdAt > STALLED_AFTER_MS;
  const next = job.failure === undefined ? NEXT_STEPS[job.state](job) : nextStepForJob(job.failure, job, options.now);
  const stuck = () => joined(' ', job.failure && nextOf(saidOf(job.failure)), stalledText(job, options.now));
  return present<JobView>({
    job_id: job.id,
    doitong_id: job.remoteId !== undefined && isPlainId(job.remoteId) ? job.remoteId : undefined,
    status: statusOf(job.state),
    stalled: stalled || undefined,
    prompt: job.request.prompt,
    ...sizeOf(job),
    ordered: orderedSize(job),
    version: job.request.version,
    batch_id: job.batch,
    number: job.number,
    credits: job.credits,
    url: job.url && shownAddress(job.url, options.apiUrl),
    file: job.file,
    created_at: iso(job.createdAt),
    completed_at: job.completedAt === undefined ? undefined : iso(job.completedAt),
    error: job.failure && errorView(job.failure, job, options.now),
    duplicate: options.duplicate || undefined,
    sandbox: job.sandbox || undefined,
    next: joined(
      ' ',
      stalled ? stuck() : next,
      ...factsOf(job).map(told),
      lowBalanceText(options.lowBalance, [job]),
      missedText(options.missed),
    ),
  });
}

type BatchView = ReturnType<typeof batchView>;

/** The result of a call for several pictures; `jobs` in the order of its entries. */
export function batchView({ batch, jobs, duplicates, note }: JobsOutcome, options: JobViewOptions) {
  // The balance is named once, for all of them.
  const { lowBalance, missed, ...rest } = options;
  const views: readonly JobView[] = jobs.map((job) =>
    jobView(job, { ...rest, duplicate: duplicates.includes(job.id) }),
  );
  const count = (status: JobStatus): number => views.filter((view) => view.status === status).length;
  const [completed, failed] = [count('completed'), count('failed')];
  const pending = views.length - completed - failed;
  const next = joined(
    ' ',
    note,
    views.some(isWaitedFor) &&
      'Call get_job_status with the job_ids of the pictures that are unfinished or being saved and wait_seconds 45; do not order them again.',
    views.some(({ file }) => file !== undefined) && 'Show the saved pictures to the user and say where the files are.',
    failed > 0 &&
      'Each failed entry says why, and whether another try can help. Order it with generate_image (a moderated one with another prompt) only if it is still wanted: that is a new, paid order.',
    lowBalanceText(lowBalance, jobs),
    missedText(missed),
  );
  return { ...(batch !== undefined && { batch_id: batch }), jobs: views, completed, failed, pending, next };
}

/** Something still happens to it by itself. */
function isWaitedFor({ status, stalled, file, error }: JobView): boolean {
  if (status === 'completed') return file === undefined && error === undefined;
  return ['queued', 'submitting', 'processing'].includes(status) && !stalled;
}

export function joined(separator: string, ...texts: readonly (string | false | undefined)[]): string {
  return texts.filter((text) => typeof text === 'string').join(separator);
}

/** @param job that has failed; absent for a call that was refused */
export function errorView(failure: Failure, job?: Job, now?: number) {
  return {
    kind: failure.kind,
    message: saidOf(failure).what,
    credits_spent: failure.creditsSpent,
    retry_after_seconds: secondsLeft(failure, job?.updatedAt, now),
  };
}

type MaybeAbsent<View> = {
  [Key in keyof View]:
    | MaybeAbsent<View[Key]>
    | (Record<never, never> extends Pick<View, Key> ? null | undefined : never);
};

/** Absent values are absent at every depth, not undefined and not null. */
export function present<View extends object>(view: MaybeAbsent<View>): View {
  return JSON.parse(JSON.stringify(view, (_, value: unknown) => value ?? undefined)) as View;
}

const wait = ({ id }: Job): string => waitFor(id);

const NEXT_STEPS: Readonly<Record<JobState, (job: Job) => string>> = {
  queued: wait,
  submitting: wait,
  processing: wait,
  completed: wait,
  saved: (job) => {
    const what = otherTypeText(job) ? 'Tell the user' : 'Show the picture to the user and say';
    return `${what} where the file is${orderedSize(job) ? ', and that its size is not the ordered one' : ''}.`;
  },
  failed: () => 'If the picture is still wanted, call generate_image again: that is a new, paid order.',
  unknown: () =>
    'Ask the user to check the account at Doitong; order the picture again only if the user agrees: that is a new, paid order.',
};

/** What the user can tell the service's support. Whether to pay for another one is not suggested: it may still come. */
function stalledText({ id, createdAt, remoteId = '' }: Job, now: number): string {
  const theirs = isPlainId(remoteId) ? remoteId : fenced(remoteId, 40);
  return `Tell the user that this picture has been unfinished for ${lasting((now - createdAt) / 1_000)} and may be charged, and that Doitong's support can look into it by job ${theirs}, ordered at ${minuteOf(createdAt)}. get_job_status with job_id "${id}" shows whether it has finished meanwhile.`;
}

/** What the user should know of it beside its state: without "Tell the user that" in front. */
export function factsOf(job: Job): string[] {
  return [otherTypeText(job), leftOutText(job), secondJobText(job), wrongPriceText(job)].filter(
    (text) => text !== undefined,
  );
}

const told = (fact: string): string => `Tell the user that ${fact}`;

/** Whatever the bytes are, they were paid for: they are saved, and the user learns what to expect. */
function otherTypeText({ state, mediaType }: Job): string | undefined {
  if (state !== 'saved' || mediaType === undefined || SHOWN_TYPES.includes(mediaType)) return undefined;
  const type = mediaType === 'application/octet-stream' ? 'unknown type' : `type ${cleanLine(mediaType, 40)}`;
  return `the service delivered a file of ${type}, which is not shown in this answer; its bytes are saved unchanged.`;
}

function leftOutText({ leftOut = [], state }: Job): string | undefined {
  if (leftOut.length === 0 || state === 'failed') return undefined;
  // The input field has another name than the setting that users know.
  const names = leftOut.map((part) => (part === 'webhookUrl' ? 'the webhook address (DOITONG_WEBHOOK_URL)' : part));
  return `the service does not accept ${names.join(' and ')}: the picture was ordered without ${leftOut.length === 1 ? 'it' : 'them'}.`;
}

function secondJobText({ remoteId = '', secondRemoteId }: Job): string | undefined {
  if (secondRemoteId === undefined) return undefined;
  const ids = [remoteId, secondRemoteId].map((id) => fenced(id, 40)).join(' and ');
  return `the service made two jobs from this order (${ids}) and may have charged both: it seems not to honour idempotency keys.`;
}

function wrongPriceText({ implausibleCost, credits: { exact, max } }: Job): string | undefined {
  if (implausibleCost === undefined || exact !== null) return undefined;
  return `the service reported a price of ${implausibleCost} credits, which cannot be right: ${max} are counted.`;
}

/** Part of `next`, which data and text both have. A job that failed for lack of credits says so itself. */
function lowBalanceText(credits: number | undefined, jobs: readonly Job[]): string | undefined {
  if (credits === undefined || jobs.some(({ failure }) => failure?.kind === 'no_credits')) return undefined;
  return `Tell the user that the credits are running low: the last known balance is ${credits}.`;
}

function missedText(jobs: readonly Job[] = []): string | undefined {
  if (jobs.length === 0) return undefined;
  const named = jobs.map(
    ({ id, request, file, state }) => `${id} (${fenced(request.prompt, 60)}, ${file ?? statusOf(state)})`,
  );
  return `Earlier calls that were cancelled left orders that no answer has shown: ${named.join(', ')}. If one of them is what the user wants, get_job_status gives it without a new order.`;
}

export function statusText({ status, stalled, file, error }: Pick<JobView, 'status' | 'stalled' | 'file' | 'error'>) {
  if (status === 'completed' && file === undefined) return error ? 'completed (not saved)' : 'completed (being saved)';
  return stalled ? `${status} (stalled)` : status;
}

export function sizeText({ width, height, ordered }: Pick<JobView, 'width' | 'height' | 'ordered'>, unit = ''): string {
  return `${width} × ${height}${unit}${ordered === undefined ? '' : ` (ordered: ${ordered.width} × ${ordered.height})`}`;
}

export function statusOf(state: JobState): JobStatus {
  return state === 'saved' ? 'completed' : state;
}

export const iso = (epochMs: number): string => new Date(epochMs).toISOString();

const DUPLICATE = 'Duplicate: an equal request has already ordered this picture; nothing was ordered or paid for now.';
const FOR_ANOTHER =
  'An equal request finds its job only until a day after the picture was saved (FLUX_DUPLICATE_HOURS). For another picture from the same request, call generate_image with allow_duplicate true: that is a new, paid order.';
const MODERATED_DUPLICATE =
  'Duplicate: an equal request was refused by moderation before, so nothing was ordered or paid for now. The same request would be paid for and refused again: change the prompt.';

/** `notes`: about the parts of the answer. `waitedSeconds`: how long the call waited in vain. `now`: epoch milliseconds. */
type Occasion = { notes?: readonly string[]; now?: number } & Pick<SingleOutcome, 'waitedSeconds' | 'isWhole'>;

export function jobText(view: JobView, job: Job, { notes = [], waitedSeconds, isWhole, now }: Occasion = {}): string {
  const { remoteId, failure } = job;
  const isModerated = failure?.kind === 'moderated';
  return joined(
    '\n',
    HEADLINES[job.state](job, waitedText(waitedSeconds), view.stalled),
    view.duplicate &&
      // While this one may still come, how to order another would contradict the next step.
      joined(' ', isModerated ? MODERATED_DUPLICATE : DUPLICATE, job.state === 'saved' && FOR_ANOTHER),
    failure && failureSentences(failure, job, now),
    view.file !== undefined && `File: ${view.file}`,
    view.url !== undefined && `URL: ${view.url}`,
    `Picture: ${sizeText(view, ' pixels')}, ${creditsText(view)}.`,
    `Prompt: ${fenced(view.prompt, isWhole ? PROMPT_MAX_CHARACTERS : 200)}`,
    `Job: ${view.job_id}${remoteId === undefined ? '' : ` (at Doitong: ${isPlainId(remoteId) ? remoteId : fenced(remoteId, 40)})`}`,
    view.sandbox && 'Sandbox: this is a test picture from the built-in sandbox; no real credits are spent.',
    ...notes,
    `Next: ${view.next}`,
  );
}

/** What is the case. @param after how long the call waited in vain */
const HEADLINES: Readonly<Record<JobState, (job: Job, after: string, stalled?: boolean) => string>> = {
  queued: (_, after) => `The order has not been sent yet${after}.`,
  submitting: ({ failure }, after) => {
    if (failure === undefined) return `The order is being sent; the service has not confirmed it yet${after}.`;
    if (failure.creditsSpent === 'yes') return 'The service has accepted the order, but that is not on record yet.';
    return 'It is not known whether the service accepted the order.';
  },
  processing({ remoteStatus, failure }, after, stalled) {
    const says = fenced(remoteStatus || 'processing', 60);
    if (failure !== undefined) return `The picture was not finished when its status was read last: ${says}.`;
    if (stalled) return `The job is stalled: the service still says ${says}, and may charge for it.`;
    return `The picture is not finished yet${after}; the service says ${says}.`;
  },
  completed: ({ failure }) =>
    failure === undefined
      ? 'The picture is finished and is being saved now.'
      : 'The picture is finished, but it could not be saved yet.',
  saved: () => 'The picture is finished and saved.',
  failed: () => 'There is no picture.',
  unknown: () => 'It is not known whether the service made this picture.',
};

const waitedText = (seconds: number | undefined): string =>
  seconds === undefined ? '' : ` after ${seconds} s of waiting`;

export function creditsText({
  credits: { min, max, exact },
  status,
  error,
}: Pick<JobView, 'credits' | 'status' | 'error'>) {
  if (status === 'failed' && error?.credits_spent === 'no') return 'no credits spent';
  if (status === 'failed') return `${exact ?? max} credits counted, though it may not have been charged`;
  return exact === undefined ? `${min} to ${max} credits by the price list` : `${exact} credits`;
}

/** @param isBare in the fewest words, for hosts that take no more: ids, states and files are all there */
export function batchText(view: BatchView, outcome: JobsOutcome, { notes = [], now }: Occasion, isBare = false) {
  const { jobs, completed, failed, pending } = view;
  const failures = failed > 0 ? `, ${failed} failed` : '';
  const unknown = jobs.filter(({ status }) => status === 'unknown').length;
  const open = pending > unknown ? `, ${pending - unknown} not finished yet${waitedText(outcome.waitedSeconds)}` : '';
  const lost = unknown > 0 ? `, ${unknown} of unknown outcome` : '';
  return joined(
    '\n',
    `${completed} of ${jobs.length} ${jobs.length === 1 ? 'picture' : 'pictures'} ${completed === 1 || jobs.length === 1 ? 'is' : 'are'} finished${failures}${open}${lost}.`,
    ...(isBare ? bareEntries(jobs) : jobs.map((job, at) => entryText(job, outcome.jobs[at], at + 1, now))),
    ...notes,
    jobs.some(({ sandbox }) => sandbox) && 'Sandbox: test pictures; no real credits are spent.',
    `Next: ${view.next}`,
  );
}

function entryText(view: JobView, job: Job | undefined, number: number, now?: number): string {
  const prompt = fenced(view.prompt, 80);
  const duplicate = view.duplicate ? ' (ordered before; not paid again)' : '';
  const other = job && otherTypeText(job);
  return joined(
    '\n',
    `${number}. ${statusText(view)}, ${prompt}, ${sizeText(view)}, ${creditsText(view)}, job ${view.job_id}${duplicate}`,
    view.file !== undefined && `File: ${view.file}`,
    view.url !== undefined && `URL: ${view.url}`,
    job?.failure && failureSentences(job.failure, job, now),
    other && told(other),
    view.status === 'unknown' || view.stalled ? view.next : job?.failure && nextOf(saidOf(job.failure)),
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
export function folderOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}
