/** Job records for as long as the process lives. */
import { isSettled, type Job } from '../core/job.ts';
import { newestFirst } from '../core/job-page.ts';
import type { JobStore } from '../core/job-store.ts';

/** Finished jobs beyond this number are forgotten, the oldest first; running ones never. */
const KEPT_JOBS = 1_000;

export function createMemoryJobStore(): JobStore {
  // Insertion order is creation order: a record that is stored again keeps its place.
  const jobs = new Map<string, Job>();
  return {
    location: 'memory',
    async add(job) {
      jobs.set(job.id, job);
      if (jobs.size > KEPT_JOBS) forgetOldest(jobs, job.id);
    },
    async update(id, change) {
      const job = jobs.get(id);
      if (job === undefined) return undefined;
      const next = change(job);
      jobs.set(id, next);
      if (jobs.size > KEPT_JOBS) forgetOldest(jobs, job.id);
      return next;
    },
    async find(id) {
      return jobs.get(id) ?? [...jobs.values()].find((job) => job.remoteId === id);
    },
    async list() {
      return [...jobs.values()].sort(newestFirst);
    },
  };
}

/** Never the job that has just changed: somebody may wait for it. */
function forgetOldest(jobs: Map<string, Job>, changed: string): void {
  for (const job of jobs.values()) {
    if (!isSettled(job) || job.id === changed) continue;
    jobs.delete(job.id);
    return;
  }
}
