/** Job records for as long as the process lives. */
import type { Job } from '../core/job.ts';
import type { JobLedger } from '../core/job-ledger.ts';

/** Finished jobs beyond this number are forgotten, the oldest first; running ones never. */
const KEPT_JOBS = 1_000;

export function createMemoryLedger(): JobLedger {
  // Insertion order is creation order: a record that is stored again keeps its place.
  const jobs = new Map<string, Job>();
  return {
    async put(job) {
      jobs.set(job.id, job);
      if (jobs.size > KEPT_JOBS) forgetOldest(jobs);
    },
    async find(id) {
      return jobs.get(id) ?? [...jobs.values()].find((job) => job.remoteId === id);
    },
    async list() {
      return [...jobs.values()].reverse();
    },
  };
}

function forgetOldest(jobs: Map<string, Job>): void {
  for (const job of jobs.values()) {
    if (job.state !== 'saved' && job.state !== 'failed') continue;
    jobs.delete(job.id);
    return;
  }
}
