/** A job's record, its states, and the only ways from one state to the next. */
import type { CreditRange } from './credits.ts';
import type { Failure } from './failure.ts';
import type { RemoteJob } from './image-provider.ts';
import type { ImageRequest } from './image-request.ts';
import type { Owner } from './processes.ts';

/**
 * `queued`: recorded, nothing sent. `submitting`: marked before the first byte leaves; whether the service has it is
 * not known yet. `processing`: the service has it. `completed`: the picture exists at `url`. `saved`: and on disk.
 * `failed`: ended without a picture. `unknown`: may have been charged, never sent again by itself.
 */
export const JOB_STATES = ['queued', 'submitting', 'processing', 'completed', 'saved', 'failed', 'unknown'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** The ids that are made here: safe in file names, URIs and cursors. */
export const JOB_ID = /^job_[a-z0-9]{1,64}$/u;

/** A job that has no end after so long is stalled: it is no longer watched by itself, only when somebody asks. */
export const STALLED_AFTER_MS = 15 * 60_000;

/** Times are epoch milliseconds. */
export type Job = {
  id: string;
  /** Made once per intended picture and sent with every try. */
  idempotencyKey: string;
  request: ImageRequest;
  /** The stem that the caller asked for. */
  fileName?: string;
  state: JobState;
  createdAt: number;
  /** When the record changed last. */
  updatedAt: number;
  /** The process that ordered it, or took it over. */
  owner: Owner;
  completedAt?: number;
  /** The service's id of the job. */
  remoteId?: string;
  /** The service's own word for the status, verbatim. */
  remoteStatus?: string;
  /** `exact` is null until the service told `creditCost`. */
  credits: CreditRange & { exact: number | null };
  url?: string;
  /** Absolute path of the saved picture. */
  file?: string;
  mediaType?: string;
  /** Why it failed, or what stands in the way at the moment while the state is not `failed`. */
  failure?: Failure;
  /** Made by the built-in sandbox: not a real picture, no real credits. */
  sandbox: boolean;
};

export type JobEvent =
  /** The first byte is about to leave, sent by `owner`. */
  | { type: 'sending'; owner: Owner }
  /** Its key is too old to be sent again, and nobody knows what became of it. */
  | { type: 'doubtful'; failure: Failure }
  /** The service answered for this job, to a submission or to a status request. */
  | { type: 'observed'; remote: RemoteJob; at: number }
  | { type: 'saved'; file: string; mediaType: string }
  | { type: 'failed'; failure: Failure; at: number }
  /** Something stands in the way, but the job lives on. */
  | { type: 'hindered'; failure: Failure };

const FOLLOWERS: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['submitting', 'failed'],
  submitting: ['processing', 'completed', 'failed', 'unknown'],
  processing: ['completed', 'failed'],
  completed: ['saved'],
  saved: [],
  failed: [],
  unknown: ['processing', 'completed', 'failed'],
};

/** The job after the event. An event that would lead backwards changes nothing. */
export function advance(job: Job, event: JobEvent): Job {
  switch (event.type) {
    case 'sending':
      return takenBy(job, event.owner);
    case 'doubtful':
      return to(job, 'unknown', { ...job, failure: event.failure });
    case 'observed':
      return observe(job, event.remote, event.at);
    case 'saved':
      return to(job, 'saved', { ...withoutFailure(job), file: event.file, mediaType: event.mediaType });
    case 'failed':
      return to(job, 'failed', { ...job, failure: event.failure, completedAt: event.at });
    case 'hindered':
      return isOver(job) ? job : { ...job, failure: event.failure };
    default:
      return event satisfies never;
  }
}

function takenBy(job: Job, owner: Owner): Job {
  if (job.state !== 'submitting') return to(job, 'submitting', { ...job, owner });
  return job.owner.pid === owner.pid ? job : { ...job, owner };
}

/** Nothing more will happen to it: the picture is saved, or there will be none. */
export function isOver(job: Job): boolean {
  return job.state === 'saved' || job.state === 'failed';
}

/** The service is done with it, with or without a picture. */
export function isEnded(job: Job): boolean {
  return isOver(job) || job.state === 'completed';
}

/** Whether a job in this state may still come to that one. */
export function mayFollow(from: JobState, next: JobState): boolean {
  return FOLLOWERS[from].includes(next);
}

/** The job in that state, with what else is new in `next`; the very same job when that would lead backwards. */
function to(job: Job, state: JobState, next: Job = job): Job {
  return mayFollow(job.state, state) ? { ...next, state } : job;
}

function withoutFailure(job: Job): Job {
  const { failure: _, ...rest } = job;
  return rest;
}

function observe(job: Job, remote: RemoteJob, at: number): Job {
  if (isEnded(job)) return job;
  const known: Job = {
    ...withoutFailure(job),
    remoteId: remote.remoteId,
    remoteStatus: remote.remoteStatus,
    credits: { ...job.credits, exact: remote.creditCost ?? job.credits.exact },
  };
  switch (remote.phase) {
    case 'processing':
      return job.state === 'processing' ? known : to(job, 'processing', known);
    case 'completed':
      return to(job, 'completed', {
        ...known,
        completedAt: at,
        ...(remote.url === undefined ? {} : { url: remote.url }),
      });
    case 'failed':
      return to(job, 'failed', {
        ...known,
        completedAt: at,
        ...(remote.failure === undefined ? {} : { failure: remote.failure }),
      });
    default:
      return remote.phase satisfies never;
  }
}
