/** The port for names that must be unique. */

export interface Ids {
  /** A new job id: `job_` and letters and digits only, so that it is safe in file names and URIs. */
  jobId(): string;
  /** A new idempotency key. */
  idempotencyKey(): string;
}
