/** Jobs as agents get them, one or several: the job object of the public interface, and a text that is complete alone. */
import * as z from 'zod';
import { cleanLine, fenced, isPlainId, shownAddress } from '../core/untrusted-text.ts';
import { FAILURE_KINDS, type Failure } from '../core/failure.ts';
import { SHOWN_TYPES } from '../core/image-store.ts';
import { type Job, type JobState, orderedSize, sizeOf } from '../core/job.ts';
import { failureSentences, nextStepForJob, saidOf } from './failure-text.ts';
import type { JobsOutcome } from './tool.ts';

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
  stalledAfterMs: number;
  /** Addresses of this origin are shown even if they are on this machine. */
  apiUrl?: string | undefined;
  duplicate?: boolean | undefined;
  /** The last known balance in credits, when it is low. */
  lowBalance?: number | undefined;
  /** Jobs whose call was given up, and which no answer has shown. */
  missed?: readonly Job[] | undefined;
};

export function jobView(job: Job, options: JobViewOptions): JobView {
  const stalled = job.state === 'processing' && options.now - job.createdAt > options.stalledAfterMs;
  const next = job.failure === undefined ? NEXT_STEPS[job.state](job) : nextStepForJob(job.failure, job);
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
    error: job.failure && errorView(job.failure),
    duplicate: options.duplicate || undefined,
    sandbox: job.sandbox || undefined,
    next: joined(
      ' ',
      next,
      otherTypeText(job),
      leftOutText(job),
      secondJobText(job),
      lowBalanceText(options.lowBalance, [job]),
      missedText(options.missed),
    ),
  });
}

type BatchView = ReturnType<typeof batchView>;

/** The result of a call for several pictures; `jobs` in the order of its entries. */
export function batchView({ batch, jobs, duplicates, repeatable }: JobsOutcome, options: JobViewOptions) {
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
    pending > 0 && (repeatable ? AGAIN : STATUS_ONLY),
    completed > 0 && 'Show the finished pictures to the user and say where the files are.',
    failed > 0 &&
      'Each failed picture says why it failed; order it again with generate_image only if it is still wanted: that is a new, paid order.',
    lowBalanceText(lowBalance, jobs),
    missedText(missed),
  );
  return { ...(batch !== undefined && { batch_id: batch }), jobs: views, completed, failed, pending, next };
}

const AGAIN =
  'Call generate_images again with exactly the same arguments: until a day after each picture was saved (FLUX_DUPLICATE_HOURS), it finds these jobs, waits for the rest, and orders again only what failed without being moderated; later it would order and pay for all of them again. get_job_status waits for a single job.';
const STATUS_ONLY =
  'Call get_job_status with the job_id of each unfinished picture; do not repeat this call: it would order the pictures with allow_duplicate again.';

export function joined(separator: string, ...texts: readonly (string | false | undefined)[]): string {
  return texts.filter((text) => typeof text === 'string').join(separator);
}

export function errorView(failure: Failure) {
  return {
    kind: failure.kind,
    message: saidOf(failure).what,
    credits_spent: failure.creditsSpent,
    retry_after_seconds: failure.retryAfterSeconds,
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

function wait({ id }: Job): string {
  return `Call get_job_status with job_id "${id}" and wait_seconds 45; do not call generate_image again for this picture: with any other arguments that would order and pay for another one.`;
}

const NEXT_STEPS: Readonly<Record<JobState, (job: Job) => string>> = {
  queued: wait,
  submitting: wait,
  processing: wait,
  completed: ({ id }) => `Call get_job_status with job_id "${id}" to have the finished picture saved.`,
  saved: () => 'Show the picture to the user and say where the file is.',
  failed: () => 'Call generate_image again if the picture is still wanted; that is a new, paid order.',
  unknown: () => 'Ask the user to check the account at Doitong; order the picture again only if the user agrees.',
};

/** Whatever the bytes are, they were paid for: they are saved, and the user learns what to expect. */
function otherTypeText({ state, mediaType }: Job): string | undefined {
  if (state !== 'saved' || mediaType === undefined || SHOWN_TYPES.includes(mediaType)) return undefined;
  const type = mediaType === 'application/octet-stream' ? 'unknown type' : `type ${cleanLine(mediaType, 40)}`;
  return `Tell the user that the service delivered a file of ${type}, which is not shown in this answer; its bytes are saved unchanged.`;
}

function leftOutText({ leftOut = [], state }: Job): string | undefined {
  if (leftOut.length === 0 || state === 'failed') return undefined;
  // The input field has another name than the setting that users know.
  const names = leftOut.map((part) => (part === 'webhookUrl' ? 'the webhook address (DOITONG_WEBHOOK_URL)' : part));
  return `Tell the user that the service does not accept ${names.join(' and ')}: the picture was ordered without ${leftOut.length === 1 ? 'it' : 'them'}.`;
}

function secondJobText({ remoteId = '', secondRemoteId }: Job): string | undefined {
  if (secondRemoteId === undefined) return undefined;
  const ids = [remoteId, secondRemoteId].map((id) => fenced(id, 40)).join(' and ');
  return `Tell the user that the service made two jobs from this order (${ids}) and may have charged both: it seems not to honour idempotency keys.`;
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
  return `Calls that were cancelled have already ordered these pictures, and no answer has shown them: ${named.join(', ')}. If one of them is what the user wanted, get_job_status shows it without a new order.`;
}

export function statusText({ status, stalled }: Pick<JobView, 'status' | 'stalled'>): string {
  return stalled ? `${status} (stalled)` : status;
}

export function sizeText({ width, height, ordered }: Pick<JobView, 'width' | 'height' | 'ordered'>, unit = ''): string {
  return `${width} × ${height}${unit}${ordered === undefined ? '' : ` (ordered: ${ordered.width} × ${ordered.height})`}`;
}

export function statusOf(state: JobState): JobStatus {
  return state === 'saved' ? 'completed' : state;
}

export const iso = (epochMs: number): string => new Date(epochMs).toISOString();

const MODERATED_DUPLICATE =
  'Duplicate: an equal request was refused by moderation before, so nothing was ordered or paid for now. The same request would be paid for and refused again: change the prompt.';
const DUPLICATE =
  'Duplicate: an equal request had already ordered this picture, so nothing was ordered or paid for now. An equal request finds its job only until a day after the picture was saved (FLUX_DUPLICATE_HOURS). For another picture from the same request, call generate_image with allow_duplicate true.';

/** @param notes about the parts of the answer @param waitedSeconds how long the call waited in vain */
export function jobText(view: JobView, job: Job, notes: readonly string[] = [], waitedSeconds?: number): string {
  const { ordered, stalled } = view;
  const { remoteId } = job;
  return joined(
    '\n',
    HEADLINES[job.state](job, waitedText(waitedSeconds), stalled),
    view.duplicate && (job.failure?.kind === 'moderated' ? MODERATED_DUPLICATE : DUPLICATE),
    job.failure && failureSentences(job.failure),
    view.file !== undefined && `File: ${view.file}`,
    view.url !== undefined && `URL: ${view.url}`,
    `Picture: ${view.width} × ${view.height} pixels, ${creditsText(view)}.${ordered === undefined ? '' : ` The service delivered a different size: ${ordered.width} × ${ordered.height} pixels were ordered.`}`,
    `Prompt: ${fenced(view.prompt, 200)}`,
    `Job: ${view.job_id}${remoteId === undefined ? '' : ` (at Doitong: ${isPlainId(remoteId) ? remoteId : fenced(remoteId, 40)})`}`,
    view.sandbox && 'Sandbox: this is a test picture from the built-in sandbox; no real credits are spent.',
    ...notes,
    `Next: ${view.next}`,
  );
}

/** What is the case. @param after how long the call waited in vain */
const HEADLINES: Readonly<Record<JobState, (job: Job, after: string, stalled?: boolean) => string>> = {
  queued: (_, after) => `The request has not been sent yet${after}.`,
  submitting: ({ failure }, after) =>
    failure === undefined
      ? `The request is being sent; the service has not confirmed it yet${after}.`
      : 'It is not known whether the service accepted the request.',
  processing({ remoteStatus }, after, stalled) {
    const says = fenced(remoteStatus || 'processing', 60);
    if (stalled) return `The job is stalled: the service still says ${says}.`;
    return `The picture is not finished yet${after}; the service says ${says}.`;
  },
  completed: () => 'The picture is finished, but it is not saved on this machine.',
  saved: () => 'The picture is finished and saved.',
  failed: () => 'There is no picture.',
  unknown: () => 'It is not known whether the service made this picture; it may have been charged.',
};

const waitedText = (seconds: number | undefined): string =>
  seconds === undefined ? '' : ` after ${seconds} s of waiting`;

function creditsText({ credits: { min, max, exact }, status, error }: JobView): string {
  if (status === 'failed' && error?.credits_spent === 'no') return 'no credits spent';
  return exact === undefined ? `${min} to ${max} credits by the price list` : `${exact} credits`;
}

/** @param isBare in the fewest words, for hosts that take no more: ids, states and files are all there */
export function batchText(view: BatchView, outcome: JobsOutcome, notes: readonly string[], isBare = false): string {
  const { jobs, completed, failed, pending } = view;
  const failures = failed > 0 ? `, ${failed} failed` : '';
  const open = pending > 0 ? `, ${pending} not finished yet${waitedText(outcome.waitedSeconds)}` : '';
  return joined(
    '\n',
    `${completed} of ${jobs.length} ${jobs.length === 1 ? 'picture is' : 'pictures are'} finished${failures}${open}.`,
    ...(isBare ? bareEntries(jobs) : jobs.map((job, at) => entryText(job, outcome.jobs[at], at + 1))),
    ...notes,
    jobs.some(({ sandbox }) => sandbox) && 'Sandbox: test pictures; no real credits are spent.',
    `Next: ${view.next}`,
  );
}

function entryText(view: JobView, job: Job | undefined, number: number): string {
  const prompt = fenced(view.prompt, 80);
  const duplicate = view.duplicate ? ' (ordered before; not paid again)' : '';
  return joined(
    '\n',
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
export function folderOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}
