/** One job for each state. */
import type { Job, JobState } from '../../src/core/job.ts';

/** 2026-11-28, 14:05:00 UTC. */
export const NOW = Date.UTC(2026, 10, 28, 14, 5);

export function sampleJob(patch: Partial<Job> = {}): Job {
  const at = NOW - 20_000;
  return {
    id: 'job_0mxyz1234abcdefghijk',
    idempotencyKey: 'key-1',
    request: { prompt: 'A lighthouse at dusk, watercolour', width: 1360, height: 768 },
    state: 'queued',
    createdAt: at,
    updatedAt: NOW,
    owner: { pid: 1, host: 'here', session: 's' },
    credits: { min: 10, max: 20, exact: null },
    sandbox: false,
    ...patch,
  };
}

const AT_SERVICE = { remoteId: 'dt_8f3k2', remoteStatus: 'IN_PROGRESS' };
const FINISHED = {
  ...AT_SERVICE,
  remoteStatus: 'SUCCEEDED',
  credits: { min: 10, max: 20, exact: 12 },
  url: 'https://cdn.doitong.com/outputs/8f3k2.jpg',
};

/** What a job of that state usually has. */
export function jobIn(state: JobState, patch: Partial<Job> = {}): Job {
  const file = '/home/user/Pictures/flux-pro/2026-11/a-lighthouse-at-dusk_job_0mxyz1234abcdefghijk.jpg';
  const usual: Partial<Record<JobState, Partial<Job>>> = {
    processing: AT_SERVICE,
    completed: FINISHED,
    saved: { ...FINISHED, file, mediaType: 'image/jpeg', size: { width: 1360, height: 768 } },
  };
  return sampleJob({ state, ...usual[state], ...patch });
}
