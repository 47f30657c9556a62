/** The port to the place where job records are kept. */
import type { Job } from './job.ts';

export interface JobStore {
  /** Where the records are, for messages. */
  readonly location: string;
  /** Stores the record of a new job. @throws FluxError of kind `storage_failed`; nothing may be sent then. */
  add(job: Job): Promise<void>;
  /**
   * Changes a record, alone: no other process changes it meanwhile, and what `change` sees is the newest.
   * @returns the record afterwards; `undefined` when there is none
   * @throws FluxError of kind `storage_failed`
   */
  update(id: string, change: (job: Job) => Job): Promise<Job | undefined>;
  /** By our id or by the service's. */
  find(id: string): Promise<Job | undefined>;
  /** Newest first. */
  list(): Promise<readonly Job[]>;
}
