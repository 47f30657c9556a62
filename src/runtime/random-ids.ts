/** Unique names from the system's random source. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Ids } from '../core/ids.ts';

export const randomIds: Ids = {
  // 80 random bits: readable in a file name, and never met twice.
  jobId: () => `job_${randomBytes(10).toString('hex')}`,
  idempotencyKey: () => randomUUID(),
};
