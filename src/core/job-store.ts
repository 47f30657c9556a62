/** The port to the job records. */
import type { Job } from './job.ts';
import type { Replacement, Versioned } from './shared-value.ts';

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
  /** By our id or by the service's. */
  find(id: string): Promise<Job | undefined>;
  /** Newest first. */
  list(): Promise<readonly Job[]>;
}
