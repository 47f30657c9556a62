/** All jobs on record, newest first. */
import type { Job } from '../../src/core/job.ts';
import type { JobStore } from '../../src/core/job-store.ts';
import type { ImageJobs } from '../../src/jobs/image-jobs.ts';

export async function listedIn(jobs: Pick<ImageJobs, 'page'>): Promise<readonly Job[]> {
  return (await jobs.page({ limit: Number.POSITIVE_INFINITY }))?.jobs ?? [];
}

export async function recordsIn(store: Pick<JobStore, 'newest'>, before?: string): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const job of store.newest(before)) jobs.push(job);
  return jobs;
}
