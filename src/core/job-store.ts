/** The ports to job records and to news of jobs, and how a page of records is read. */
import { JOB_ID, type Job, timeOfId } from './job.ts';
import type { Liveness } from './ports.ts';
import type { ChangeQueue, Replacement, Versioned } from './shared-value.ts';

/** `isNewer`: written by a newer version of this program, so that it is shown and never replaced. */
export type StoredJob = Versioned<Job> & { readonly isNewer?: true };

export interface JobStore {
  /** Where the records are, for messages. */
  readonly location: string;
  /** Stores the record of a new job. @throws FluxError of kind `storage_failed`; nothing may be sent then. */
  add(job: Job): Promise<void>;
  /** By our id. `undefined` when there is no such record. */
  read(id: string): Promise<StoredJob | undefined>;
  /** @throws FluxError of kind `storage_failed` */
  replace(seen: StoredJob, job: Job): Promise<Replacement>;
  /** For good: another store has it. @throws FluxError of kind `storage_failed` */
  remove(seen: StoredJob): Promise<Replacement>;
  /** The queue of those who change this record, as of a shared value. */
  queue?(id: string): ChangeQueue;
  /** By our id or by the service's. */
  find(id: string): Promise<Job | undefined>;
  /** Newest first, as far as they are asked for. @param before the id of the last one of the page before */
  newest(before?: string): AsyncIterable<Job>;
  /** Those that are neither saved nor failed, newest first. */
  open(): Promise<readonly Job[]>;
  /** Orders that are equal by `dedupeKey`, made since that moment (epoch milliseconds), newest first; at last one that was saved a day late. */
  equal(key: string, since: number): Promise<readonly Job[]>;
}

/** The records of another key of this service, or of another service. */
export type OtherRecords = { store: JobStore; liveness: Pick<Liveness, 'stateOf'>; isSameService: boolean };

/** What is open, and what was ordered since that moment (epoch milliseconds), each once. */
export async function openAndRecentJobs(store: Pick<JobStore, 'open' | 'newest'>, since: number): Promise<Job[]> {
  const jobs = new Map((await store.open()).map((job) => [job.id, job]));
  for await (const job of store.newest()) {
    if (job.createdAt >= since) jobs.set(job.id, job);
    // Ids that do not tell the time come before the others.
    else if (timeOfId(job.id) !== undefined) break;
  }
  return [...jobs.values()];
}

/** `nextCursor`: absent when there are no more. */
export type JobPage = { jobs: readonly Job[]; nextCursor?: string };

export type PageOptions = {
  limit: number;
  /** Of the page before: the id of a job, which need not exist any more. */
  cursor?: string | undefined;
  isWanted?: (job: Job) => boolean;
  /** None that was ordered before that moment (epoch milliseconds). */
  since?: number;
  /** No other is wanted than those that are neither saved nor failed. */
  areOpen?: boolean;
  /** After so many records the page ends, so that nobody waits while all are searched for a few. */
  readAtMost?: number;
};

/** Newest first, as their ids sort. @returns `undefined` for a cursor that no page can have given */
export async function pageOfJobs(
  store: Pick<JobStore, 'newest' | 'open'>,
  { limit, cursor, isWanted = () => true, since = 0, areOpen = false, readAtMost = 5_000 }: PageOptions,
): Promise<JobPage | undefined> {
  if (cursor !== undefined && !JOB_ID.test(cursor)) return undefined;
  const jobs: Job[] = [];
  let read = 0;
  let last = '';
  for await (const job of areOpen ? await store.open() : store.newest(cursor)) {
    // Within an hour of the time that its id tells, an order is recorded.
    if ((timeOfId(job.id) ?? since) < since - 3_600_000) break;
    const isNext = job.createdAt >= since && isWanted(job) && (cursor === undefined || job.id < cursor);
    if (read === readAtMost || (isNext && jobs.length === limit)) return { jobs, nextCursor: last };
    if (isNext) jobs.push(job);
    read += 1;
    last = job.id;
  }
  return { jobs };
}

/** A hint and no more: what has happened is learnt by reading the job. */
export interface JobEvents {
  /**
   * Notifies all who listen for this job, in every process with the same service and key.
   * @throws when the news cannot be kept; the service has to send it again then
   */
  addMarker(remoteId: string): Promise<void>;
  /**
   * Calls `onEvent` within about 300 ms of each event marker for this job, until the returned function is called. One
   * that was made in the minute before, and of which no listener of this process knows, counts as well. A listener never
   * keeps the process alive.
   */
  listen(remoteId: string, onEvent: () => void): () => void;
  /**
   * Epoch milliseconds of the newest marker, for whichever job and by whichever process: whether events arrive here at
   * all. `-Infinity` without any. Never rejects.
   */
  lastMarkerAt(): Promise<number>;
}

/** `isNew`: it was recorded just now; otherwise it is the job after a change. */
export type JobNews = { job: Job; isNew: boolean };
/** Those who hear of every change in this process; none of them throws. */
export type JobFeed = Set<(news: JobNews) => void>;
