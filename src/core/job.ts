/** A job's record, its states, the only ways from one state to the next, and what is to be done about a job that is met. */
import * as z from 'zod';
import { imageRequestSchema } from './image-request.ts';
import { type Failure, failureSchema } from './failure.ts';
import type { RemoteJob } from './image-provider.ts';
import type { PixelSize } from './image-store.ts';
import { type Owner, ownerSchema, type Times } from './ports.ts';

/**
 * `queued`: recorded, nothing sent. `submitting`: recorded before the first byte leaves; whether the service has it is
 * not known yet. `processing`: the service has it. `completed`: the picture exists at `url`. `saved`: and on disk.
 * `failed`: ended without a picture. `unknown`: may have been charged, never sent again by itself.
 */
export const JOB_STATES = ['queued', 'submitting', 'processing', 'completed', 'saved', 'failed', 'unknown'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** The ids that are made here: safe in file names, URIs and cursors. */
export const JOB_ID = /^job_[a-z0-9]{1,64}$/u;

/** As `idAt` in runtime/system.ts makes them: the nine digits of base 36 for the time last until the year 5188. */
const TIMED_ID = /^job_([0-9a-z]{9})[0-9a-z]{11}$/u;

/** When the job of that id was ordered, in epoch milliseconds; `undefined` for an id that was not made here. */
export function timeOfId(id: string): number | undefined {
  const [, digits] = TIMED_ID.exec(id) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

export const HOUR_MS = 60 * 60_000;

const timesOf = ({ here, there }: Times): number[] => (there === undefined ? [here] : [here, there]);

/** Whether any of the clocks says so: a clock that was set must not take away for good what is free of charge. */
export function isWithin(since: number, windowMs: number, times: Times): boolean {
  return timesOf(times).some((now) => Math.abs(now - since) < windowMs);
}

/**
 * Milliseconds since the order left, by the service's clock where it told the time of both, else the most that any clock
 * says. One that shows a time before the order was set meanwhile, and says nothing; up to an hour is believed.
 */
function orderAge({ createdAt, sentAt }: Pick<Job, 'createdAt' | 'sentAt'>, times: Times): number {
  const { there } = times;
  const isKnown = sentAt !== undefined && there !== undefined;
  const ages = isKnown ? [there - sentAt] : timesOf(times).map((now) => now - createdAt);
  const possible = ages.filter((ageMs) => ageMs > -HOUR_MS);
  return possible.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...possible);
}

/** Whether the service may have forgotten the key of an order that was sent before: it is taken to know it for a day. */
export function keyIsTooOld(job: Pick<Job, 'createdAt' | 'sentAt'>, times: Times): boolean {
  return orderAge(job, times) > 23 * HOUR_MS;
}

/** Times are epoch milliseconds. */
export const jobSchema = z.object({
  id: z.string().regex(JOB_ID),
  /** Made once per intended picture and sent with every try. */
  idempotencyKey: z.string().min(1),
  request: imageRequestSchema,
  /** The stem that the caller asked for. */
  fileName: z.exactOptional(z.string()),
  /** The call for several pictures that ordered it. */
  batch: z.exactOptional(z.string()),
  /** Its place among the entries of that call, from 1. */
  number: z.exactOptional(z.number()),
  /** Which of the equal requests of that call it is; absent: the first. */
  nth: z.exactOptional(z.number()),
  /** Where the service was asked to report its end: every try of one order says the same, whatever is set by then. */
  webhookUrl: z.exactOptional(z.string()),
  /** The provider's name for the dialect in which it left last: sent again, it leaves in no other. */
  dialect: z.exactOptional(z.string()),
  leftOut: z.exactOptional(z.array(z.string()).readonly()),
  state: z.enum(JOB_STATES),
  createdAt: z.number(),
  updatedAt: z.number(),
  /** When it left first, by the service's clock; absent where that was not known. */
  sentAt: z.exactOptional(z.number()),
  owner: ownerSchema,
  /** When the service took the order; absent until it answered. */
  acceptedAt: z.exactOptional(z.number()),
  completedAt: z.exactOptional(z.number()),
  remoteId: z.exactOptional(z.string()),
  /** The service's id of another job that it made of the same order, in spite of the key. */
  secondRemoteId: z.exactOptional(z.string()),
  remoteStatus: z.exactOptional(z.string()),
  /** `exact` is null until the service has reported `creditCost`. */
  credits: z.object({ min: z.number(), max: z.number(), exact: z.number().nullable() }),
  implausibleCost: z.exactOptional(z.number()),
  url: z.exactOptional(z.string()),
  /** When its picture was saved first. */
  savedAt: z.exactOptional(z.number()),
  /** Absolute path of the saved picture. */
  file: z.exactOptional(z.string()),
  mediaType: z.exactOptional(z.string()),
  /** Of the saved picture, as it is displayed; absent where its bytes do not show it. */
  size: z.exactOptional(z.object({ width: z.number(), height: z.number() })),
  /** Why it failed; in other states, what keeps it from going on at the moment. */
  failure: z.exactOptional(failureSchema),
  /** It was sent with another key than that of these records. */
  otherKey: z.exactOptional(z.literal(true)),
  /** Made by the built-in sandbox: not a real picture, no real credits. */
  sandbox: z.boolean(),
});
export type Job = z.infer<typeof jobSchema>;

/** Ids of jobs whose call was given up, newest first. */
export const GIVEN_UP = { name: 'given-up', schema: z.array(z.string()).readonly(), initial: () => [] };

export type JobEvent =
  /** The first byte is about to leave, sent by `owner`; `dialect`: the provider's name for how it is encoded; `at` by the service's clock. */
  | { type: 'sending'; owner: Owner; dialect?: string; at?: number | undefined }
  /** `from` is gone, or shows no sign of life: `owner` resumes the job, if nobody else was faster. */
  | { type: 'adopted'; from: Owner; owner: Owner }
  /** Its key is too old to be sent again, and nobody knows what became of it. */
  | { type: 'outcome_unknown'; failure: Failure }
  /** The service answered for this job, to a submission or to a status request. */
  | { type: 'status_received'; remote: RemoteJob; at: number }
  /** The picture is at another address now: the earlier one has expired. */
  | { type: 'relocated'; url: string }
  /** `again`: the file was gone, and the picture was fetched once more. */
  | { type: 'saved'; file: string; mediaType: string; size?: PixelSize; at: number; again?: true }
  /** It ended without a charge, says `by`: nothing is known any more once another process has taken it over. */
  | { type: 'failed'; failure: Failure; at: number; by: Owner }
  /** It was never sent, and nobody will send it. */
  | { type: 'abandoned'; failure: Failure; at: number }
  | { type: 'blocked'; failure: Failure };

/** The states to which a job in each state may still come. Its own: it may learn something new in it. */
export const FOLLOWERS: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['submitting', 'failed'],
  submitting: ['submitting', 'processing', 'completed', 'failed', 'unknown'],
  processing: ['processing', 'completed', 'failed'],
  completed: ['saved'],
  saved: ['saved'],
  failed: [],
  unknown: ['unknown', 'submitting', 'processing', 'completed', 'failed'],
};

/** The job after the event. An event that would lead backwards changes nothing. */
export function advance(job: Job, event: JobEvent): Job {
  switch (event.type) {
    case 'sending':
      // Only its owner sends an order: another process adopts it first.
      if (!isSameOwner(job.owner, event.owner)) return job;
      return to(job, 'submitting', {
        ...job,
        ...(event.dialect && { dialect: event.dialect }),
        ...(job.state === 'queued' && event.at !== undefined && { sentAt: event.at }),
      });
    case 'adopted':
      return !isSettled(job) && isSameOwner(job.owner, event.from) ? { ...job, owner: event.owner } : job;
    case 'outcome_unknown':
      return to(job, 'unknown', { ...job, failure: event.failure });
    case 'status_received':
      return receiveStatus(job, event.remote, event.at);
    case 'relocated':
      return job.state === 'completed' || job.state === 'saved' ? { ...job, url: event.url } : job;
    case 'saved':
      return saved(job, event);
    case 'failed':
      if (job.state !== 'queued' && job.state !== 'submitting') return job;
      return isSameOwner(job.owner, event.by) ? failed(job, event.failure, event.at) : job;
    case 'abandoned':
      return job.state === 'queued' ? failed(job, event.failure, event.at) : job;
    case 'blocked':
      return isSettled(job) ? job : { ...job, failure: event.failure };
    default:
      return event satisfies never;
  }
}

function saved(job: Job, { file, mediaType, size, at, again }: JobEvent & { type: 'saved' }): Job {
  const { size: _size, failure: _failure, ...before } = job;
  const next: Job = { ...before, file, mediaType, ...(size && { size }), savedAt: job.savedAt ?? at };
  return job.state === 'saved' && !again ? job : to(job, 'saved', next);
}

/** What is said of the size: that of the picture once there is one, the ordered one until then. */
export function sizeOf({ size, request }: Pick<Job, 'size' | 'request'>): PixelSize {
  return size ?? { width: request.width, height: request.height };
}

/** The ordered size, where the picture has another one. */
export function orderedSize({ size, request }: Pick<Job, 'size' | 'request'>): PixelSize | undefined {
  const { width, height } = request;
  return size === undefined || (size.width === width && size.height === height) ? undefined : { width, height };
}

function failed(job: Job, failure: Failure, at: number): Job {
  return to(job, 'failed', { ...job, failure, completedAt: at });
}

/** Nothing more will happen to it: the picture is saved, or there will be none. */
export function isSettled(job: Job): boolean {
  return job.state === 'saved' || job.state === 'failed';
}

/** The service is done with it, with or without a picture. */
export function isFinishedRemotely(job: Job): boolean {
  return isSettled(job) || job.state === 'completed';
}

/**
 * The job in that state, with what else is new in `next`. The very same job when that would lead backwards, or brings
 * what the record says already, as most status reads do: nothing is written for it.
 */
function to(job: Job, state: JobState, next: Job): Job {
  const after = { ...next, state };
  return FOLLOWERS[job.state].includes(state) && JSON.stringify(after) !== JSON.stringify(job) ? after : job;
}

function receiveStatus(job: Job, remote: RemoteJob, at: number): Job {
  const { remoteId = remote.remoteId, secondRemoteId = remote.remoteId } = job;
  if (remoteId !== remote.remoteId) return job.secondRemoteId === undefined ? { ...job, secondRemoteId } : job;
  if (isFinishedRemotely(job)) return job;
  const { failure: _, ...before } = job;
  const known: Job = {
    ...before,
    acceptedAt: job.acceptedAt ?? at,
    remoteId: remote.remoteId,
    remoteStatus: remote.remoteStatus,
    credits: { ...job.credits, exact: remote.creditCost ?? job.credits.exact },
    ...(remote.leftOut && { leftOut: remote.leftOut }),
    ...(remote.implausibleCost !== undefined && { implausibleCost: remote.implausibleCost }),
  };
  if (remote.phase === 'processing') return to(job, 'processing', known);
  const url = remote.phase === 'completed' ? remote.url : undefined;
  return to(job, remote.phase, {
    ...known,
    completedAt: at,
    ...(url !== undefined && { url }),
    ...(remote.failure && { failure: remote.failure }),
  });
}

/** With what keeps it from going on: of an order that may have been sent, no error of this machine says that it cost nothing. */
export function withFailure(job: Job, failure: Failure): Job {
  const isFree = job.state === 'queued' || failure.creditsSpent !== 'no';
  return { ...job, failure: isFree ? failure : { ...failure, creditsSpent: 'maybe' } };
}

export function isSameOwner(one: Owner, other: Owner): boolean {
  return one.session === other.session;
}

/**
 * `poll`: ask the service for its status, and fetch its picture. `resend`: send the order once more under its own key.
 * `wait`: this process or another one is at work on it. `close_unsent`: nothing has left, and nobody will send it.
 * `give_up`: nobody knows what became of it, and it is not sent again by itself.
 */
export type NextAction = 'poll' | 'resend' | 'wait' | 'close_unsent' | 'give_up' | 'none';

/** `alive`: another process that is at work. `silent`: another process that has ended, or stands still. */
export type JobOwner = 'self' | 'alive' | 'silent';

/** Who meets it: somebody who reads it, an equal order, somebody who wants it ordered for certain, or nobody. */
export type Asked = 'read' | 'order' | 'resume' | false;

export type MetJob = {
  state: JobState;
  owner: JobOwner;
  /** `old`: nothing more is done for it by itself; see `ageOf`. */
  age: 'recent' | 'old';
  running: boolean;
  asked: Asked;
};

/** State, owner, age, running, asked: action. */
type Row = readonly [JobState | '*', JobOwner | '*', MetJob['age'] | '*', boolean | '*', Asked | '*', NextAction];

/** The first row that fits counts; `*` fits everything. */
const TABLE: readonly Row[] = [
  ['saved', '*', '*', '*', '*', 'none'],
  ['failed', '*', '*', '*', '*', 'none'],
  ['*', '*', '*', true, '*', 'wait'],

  // Ending the server is how a user stops what was not sent yet.
  ['queued', 'alive', '*', '*', '*', 'wait'],
  ['queued', '*', '*', '*', '*', 'close_unsent'],

  ['submitting', 'alive', '*', '*', '*', 'wait'],
  // Somebody who reads it orders nothing: they wait until it is sent again by itself.
  ['submitting', '*', 'recent', '*', 'read', 'wait'],
  ['submitting', '*', 'recent', '*', '*', 'resend'],
  ['submitting', '*', '*', '*', 'order', 'resend'],
  ['submitting', '*', '*', '*', '*', 'give_up'],
  ['unknown', '*', '*', '*', 'order', 'resend'],
  ['unknown', '*', '*', '*', '*', 'none'],

  // Whoever sent it may have given up polling: those who ask for it poll as well.
  ['processing', 'alive', '*', '*', false, 'wait'],
  ['processing', '*', 'old', '*', false, 'none'],
  ['processing', '*', '*', '*', '*', 'poll'],

  ['completed', 'alive', '*', '*', false, 'wait'],
  ['completed', '*', 'old', '*', false, 'none'],
  ['completed', '*', '*', '*', '*', 'poll'],
  ['*', '*', '*', '*', '*', 'none'],
];

export function nextAction({ state, owner, age, running, asked }: MetJob): NextAction {
  const met = [state, owner, age, running, asked === 'resume' ? 'order' : asked] as const;
  const row = TABLE.find((conditions) => met.every((value, at) => conditions[at] === '*' || conditions[at] === value));
  return row?.[5] ?? 'none';
}

/** An order without an answer is sent again by itself for so long. */
const RESENT_MS = HOUR_MS;
/** A picture that cannot be saved is fetched again by itself for so long. */
const FETCHED_MS = 24 * HOUR_MS;
/** A job without an end after so long is stalled: it is polled only when somebody asks for it. */
export const STALLED_AFTER_MS = HOUR_MS / 4;

/** Whether the job is left alone unless somebody asks for it. */
export function ageOf(job: Job, times: Times): MetJob['age'] {
  const { state, createdAt, acceptedAt, completedAt } = job;
  const isRecent =
    state === 'processing'
      ? isWithin(acceptedAt ?? createdAt, STALLED_AFTER_MS, times)
      : state === 'completed'
        ? isWithin(completedAt ?? createdAt, FETCHED_MS, times)
        : orderAge(job, times) < RESENT_MS;
  return isRecent ? 'recent' : 'old';
}
