/** The port to the place where job records are kept. */
import type { Job } from './job.ts';

export interface JobLedger {
  /** Stores the record as it is now, in place of an earlier one with the same id. */
  put(job: Job): Promise<void>;
  /** By our id or by the service's. */
  find(id: string): Promise<Job | undefined>;
  /** Newest first. */
  list(): Promise<readonly Job[]>;
}
