/** Proves that one job in trouble does not keep all others waiting. */
import { expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { sampleJob } from '../core/sample-jobs.ts';
import { createBench, leftBehind, REQUEST, thrown } from './fakes.ts';

const MINUTE = 60_000;

it('a job that cannot be read gives its slot back, however often it is polled in vain', async () => {
  const bench = createBench({ plan: 'free' });
  bench.provider.readings = [thrown({ kind: 'unsupported_service', retry: 'no' })];
  await bench.order({ ...REQUEST, prompt: 'the unreadable one' });
  await bench.clock.advance(100);
  await bench.order({ ...REQUEST, prompt: 'the next one' });
  await bench.clock.advance(10 * MINUTE);
  expect(bench.provider.submitted.map(({ prompt }) => prompt)).toEqual(['the unreadable one']);
  await bench.clock.advance(7 * MINUTE);
  expect(bench.provider.submitted.map(({ prompt }) => prompt)).toEqual(['the unreadable one', 'the next one']);
  expect((await bench.recorded('job_1')).state).toBe('processing');
  await bench.jobs.close();
});

it('a record that cannot be changed keeps no other job from being recovered', async () => {
  const bench = createBench();
  bench.living.delete(9);
  const owner = { pid: 9, host: 'here', session: 'session-9' };
  for (const id of ['job_old1', 'job_old2']) await leftBehind(bench, sampleJob({ id, state: 'queued', owner }));
  const replace = bench.jobStore.replace.bind(bench.jobStore);
  bench.jobStore.replace = async (seen, job) => {
    if (job.id !== 'job_old1') return replace(seen, job);
    throw new FluxError({
      kind: 'storage_failed',
      reason: { code: 'worded', what: 'Newer.' },
      creditsSpent: 'maybe',
      retry: 'no',
    });
  };
  const { credits } = await bench.jobs.limits();
  // The second one was closed as never sent; the first one stays reserved.
  expect(credits.reserved).toBe(20);
  expect((await bench.recorded('job_old2')).state).toBe('failed');
  expect(await bench.jobs.resumeAll()).toHaveLength(1);
});
