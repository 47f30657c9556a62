/** Several pictures of one call: what is ordered, what comes back, and how far they have come together. */
import type { Job } from '../core/job.ts';

export type BatchProgress = {
  /** In the order of the entries. */
  jobs: readonly Job[];
  /** Jobs that are over, with a picture or without. */
  done: number;
  total: number;
  /** In [0, 1); grows. */
  fraction: number;
  /** Milliseconds until all of them are over, as far as can be foreseen. */
  leftMs: number;
};

export type BatchWaitOptions = {
  waitMs: number;
  /** Ends the wait, never the jobs. */
  signal?: AbortSignal;
  /** Called at the start, every two seconds and at every change. */
  onTick?: (progress: BatchProgress) => void;
};
