/** What a worker process is told to do, and what it reports of it. */
import type { AppSettings } from '../../src/app.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { JobState } from '../../src/core/job.ts';
import type { RequestWindow } from '../../src/limits/rate-state.ts';
import type { ClockToFollow } from './following-clock.ts';

/** The variable that holds the task as JSON. */
export const TASK_VARIABLE = 'CRASH_TEST_TASK';

export type Order = {
  /** The prompt: equal orders have equal ones. */
  prompt: string;
  /** Pixels; 256 unless the price matters. */
  side?: number;
  /** Epoch milliseconds of the clock: those who race start together. */
  notBefore?: number;
  /** Looks at this job instead of ordering: what an agent does that remembers its id. */
  checkOn?: string;
};

export type WorkerTask = {
  settings: AppSettings;
  clock: ClockToFollow;
  requestWindow?: RequestWindow;
  /** The process stops itself (SIGSTOP) when an order is admitted and not yet recorded. */
  stopsBeforeRecording?: true;
  work: /** `lanes` orders at a time; each is waited for, but no longer than `waitMs` of the clock. */
    | { type: 'orders'; orders: readonly Order[]; lanes: number; waitMs: number }
    /** Looks at every job on record that is not over, and orders nothing. */
    | { type: 'recovery'; rounds: number; waitMs: number };
};

export type JobNews = { jobId: string; state: JobState; duplicate: boolean; failure?: Failure };

export type WorkerMessage =
  /** Sent before anything is ordered. */
  | { type: 'started'; prompt: string }
  | { type: 'ordered'; prompt: string; job: JobNews }
  | { type: 'ended'; prompt: string; job: JobNews }
  | { type: 'refused'; prompt: string; failure: Failure }
  | { type: 'recovered'; open: number; rounds: number; reservedCredits: number; spentCredits: number; slots: number }
  /** Something that must never happen: an error that is no failure. */
  | { type: 'problem'; text: string };
