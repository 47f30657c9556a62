/** The job object that agents get: the record in the words of the public interface. */
import * as z from 'zod';
import { FAILURE_KINDS, type Failure } from '../core/failure.ts';
import { type Job, type JobState, orderedSize, sizeOf } from '../core/job.ts';
import { isPlainId, shownAddress } from '../core/shown-remote.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import { nextStepForJob, saidOf } from './failure-text.ts';

export const JOB_STATUSES = ['queued', 'submitting', 'processing', 'completed', 'failed', 'unknown'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

const errorSchema = z.strictObject({
  kind: z.enum(FAILURE_KINDS),
  message: z.string(),
  credits_spent: z.enum(['no', 'maybe', 'yes']),
  retry_after_seconds: z.number().optional(),
});
export type ErrorView = z.output<typeof errorSchema>;

/** Times are ISO 8601 in UTC, sizes pixels, credits the provider's. Absent values are absent. */
export const jobViewSchema = z.strictObject({
  job_id: z.string(),
  doitong_id: z.string().optional(),
  status: z.enum(JOB_STATUSES),
  stalled: z.boolean().optional(),
  prompt: z.string(),
  width: z.int(),
  height: z.int(),
  ordered: z
    .strictObject({ width: z.number(), height: z.number() })
    .optional()
    .describe('the ordered size, where the delivered picture has another one'),
  version: z.string().optional(),
  credits: z.strictObject({
    min: z.number(),
    max: z.number(),
    exact: z.number().optional().describe('Absent until it is known.'),
  }),
  url: z.string().optional(),
  file: z.string().optional(),
  created_at: z.string(),
  completed_at: z.string().optional(),
  error: errorSchema.optional(),
  duplicate: z.boolean().optional().describe('An equal request had ordered it before; nothing was ordered now.'),
  sandbox: z.boolean().optional(),
  next: z.string().describe('What to do now.'),
});
export type JobView = z.output<typeof jobViewSchema>;

export type JobViewOptions = {
  /** Epoch milliseconds. */
  now: number;
  stalledAfterMs: number;
  /** Addresses of this origin are shown even if they are on this machine. */
  apiUrl?: string | undefined;
  /** An equal request ordered it earlier. */
  duplicate?: boolean | undefined;
  /** The last known balance in credits, when it is low. */
  lowBalance?: number | undefined;
};

export function jobView(job: Job, options: JobViewOptions): JobView {
  const stalled = job.state === 'processing' && options.now - job.createdAt > options.stalledAfterMs;
  // A job that failed for lack of credits says so itself.
  const low = job.failure?.kind === 'no_credits' ? undefined : lowBalanceText(options.lowBalance);
  const notes = [next(job), otherTypeText(job), leftOutText(job), low].filter((note) => note !== undefined);
  const { min, max, exact } = job.credits;
  return withoutAbsent<JobView>({
    job_id: job.id,
    doitong_id: job.remoteId !== undefined && isPlainId(job.remoteId) ? job.remoteId : undefined,
    status: statusOf(job.state),
    stalled: stalled || undefined,
    prompt: job.request.prompt,
    ...sizeOf(job),
    ordered: orderedSize(job),
    version: job.request.version,
    credits: withoutAbsent({ min, max, exact: exact ?? undefined }),
    url: job.url === undefined ? undefined : shownAddress(job.url, options.apiUrl),
    file: job.file,
    created_at: iso(job.createdAt),
    completed_at: job.completedAt === undefined ? undefined : iso(job.completedAt),
    error: job.failure && errorView(job.failure),
    duplicate: options.duplicate || undefined,
    sandbox: job.sandbox || undefined,
    next: notes.join(' '),
  });
}

export function errorView(failure: Failure): ErrorView {
  const { kind, creditsSpent, retryAfterSeconds } = failure;
  return withoutAbsent({
    kind,
    message: saidOf(failure).what,
    credits_spent: creditsSpent,
    retry_after_seconds: retryAfterSeconds,
  });
}

/** Absent values are absent, not undefined. */
function withoutAbsent<View extends object>(view: View): View {
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== undefined)) as View;
}

/** What to do now, in one sentence. */
function next(job: Job): string {
  if (job.failure !== undefined) return nextStepForJob(job.failure, job);
  const ask =
    `Call get_job_status with job_id "${job.id}" and wait_seconds 45; do not call generate_image again for this ` +
    'picture: with any other arguments that would order and pay for another one.';
  switch (job.state) {
    case 'saved':
      return 'Show the picture to the user and say where the file is.';
    case 'completed':
      return `Call get_job_status with job_id "${job.id}" to have the finished picture saved.`;
    case 'queued':
    case 'submitting':
    case 'processing':
      return ask;
    case 'unknown':
      return 'Ask the user to check the account at Doitong; order the picture again only if the user agrees.';
    case 'failed':
      return 'Call generate_image again if the picture is still wanted; that is a new, paid order.';
    default:
      return job.state satisfies never;
  }
}

const UNKNOWN_TYPE = 'application/octet-stream';
const SHOWN_TYPES = ['image/jpeg', 'image/png', 'image/webp'];

/** Whatever the bytes are, they were paid for: they are saved, and the user learns what to expect. */
export function otherTypeText({ state, mediaType }: Job): string | undefined {
  if (state !== 'saved' || mediaType === undefined || SHOWN_TYPES.includes(mediaType)) return undefined;
  const what = mediaType === UNKNOWN_TYPE ? 'a file of unknown type' : `a file of type ${cleanLine(mediaType, 40)}`;
  return `Tell the user that the service delivered ${what}, which is not shown in this answer; its bytes are saved unchanged.`;
}

/** Input fields by the names that users know. */
const PART_NAMES: Readonly<Record<string, string>> = { webhookUrl: 'the webhook address (DOITONG_WEBHOOK_URL)' };

function leftOutText({ leftOut = [], state }: Job): string | undefined {
  if (leftOut.length === 0 || state === 'failed') return undefined;
  const names = leftOut.map((part) => PART_NAMES[part] ?? part).join(' and ');
  return `Tell the user that the service does not accept ${names}: the picture was ordered without ${leftOut.length === 1 ? 'it' : 'them'}.`;
}

/** The status in lists. */
export function statusText({ status, stalled }: Pick<JobView, 'status' | 'stalled'>): string {
  return stalled ? `${status} (stalled)` : status;
}

export function sizeText({ width, height, ordered }: Pick<JobView, 'width' | 'height' | 'ordered'>): string {
  const other = ordered === undefined ? '' : ` (ordered: ${ordered.width} × ${ordered.height})`;
  return `${width} × ${height}${other}`;
}

/** Part of `next`, which data and text both have: some hosts show only one of them. */
export function lowBalanceText(credits: number | undefined): string | undefined {
  if (credits === undefined) return undefined;
  return `Tell the user that the credits are running low: the last known balance is ${credits}.`;
}

export function statusOf(state: JobState): JobStatus {
  return state === 'saved' ? 'completed' : state;
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();
