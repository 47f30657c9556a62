/** Proves how jobs are found in memory, and that only jobs that are over are ever forgotten. */
import { describe, expect, it } from 'vitest';
import type { JobState } from '../../../src/core/job.ts';
import { createMemoryJobStore } from '../../../src/storage/memory-job-store.ts';
import { sampleJob } from '../core/sample-jobs.ts';

const CAP = 1_000;
const job = (number: number, state: JobState = 'saved') => sampleJob({ id: `job_${number}`, state });

async function filled(count: number, state: (number: number) => JobState) {
  const jobStore = createMemoryJobStore();
  for (let number = 0; number < count; number += 1) await jobStore.add(job(number, state(number)));
  return jobStore;
}

describe('the ledger', () => {
  it("finds a job by our id and by the service's", async () => {
    const jobStore = createMemoryJobStore();
    await jobStore.add(sampleJob({ id: 'job_a', remoteId: 'dt_a' }));
    await jobStore.add(sampleJob({ id: 'job_b' }));
    expect((await jobStore.find('job_a'))?.id).toBe('job_a');
    expect((await jobStore.find('dt_a'))?.id).toBe('job_a');
    expect(await jobStore.find('undefined')).toBeUndefined();
    expect(await jobStore.find('')).toBeUndefined();
  });

  it('prefers our own id where the service uses the same', async () => {
    const jobStore = createMemoryJobStore();
    await jobStore.add(sampleJob({ id: 'job_a', remoteId: 'job_b' }));
    await jobStore.add(sampleJob({ id: 'job_b', remoteId: 'job_a' }));
    expect((await jobStore.find('job_b'))?.id).toBe('job_b');
  });

  it('lists the newest first; a record that changes keeps its place', async () => {
    const jobStore = await filled(3, () => 'queued');
    await jobStore.add(job(0, 'submitting'));
    expect((await jobStore.list()).map(({ id, state }) => [id, state])).toEqual([
      ['job_2', 'queued'],
      ['job_1', 'queued'],
      ['job_0', 'submitting'],
    ]);
  });

  it('forgets the oldest job that is over once there are more than it keeps', async () => {
    const jobStore = await filled(CAP, (number) =>
      number === 0 ? 'processing' : number % 2 === 0 ? 'saved' : 'failed',
    );
    expect(await jobStore.list()).toHaveLength(CAP);
    await jobStore.add(job(CAP, 'queued'));
    expect(await jobStore.list()).toHaveLength(CAP);
    expect(await jobStore.find('job_0')).toBeDefined();
    expect(await jobStore.find('job_1')).toBeUndefined();
    expect(await jobStore.find('job_2')).toBeDefined();
    expect(await jobStore.find(`job_${CAP}`)).toBeDefined();
  });

  it.each(['queued', 'submitting', 'processing', 'completed', 'unknown'] as const)(
    'never forgets a job that is %s, however many there are',
    async (state) => {
      const jobStore = await filled(CAP + 5, () => state);
      expect(await jobStore.list()).toHaveLength(CAP + 5);
    },
  );

  it('does not forget the very job that has just ended, while somebody waits for it', async () => {
    const jobStore = await filled(CAP + 1, () => 'processing');
    await jobStore.add(job(7, 'saved'));
    expect((await jobStore.find('job_7'))?.state).toBe('saved');
  });
});
