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

const UNREADABLE = new FluxError({
  kind: 'storage_failed',
  reason: { code: 'state_not_kept', path: '/state', error: 'EMFILE' },
  creditsSpent: 'no',
  retry: 'no',
});

it('a record that cannot be read once its order was sent is no reason to say that nothing was spent', async () => {
  const bench = createBench();
  const { job } = await bench.order(REQUEST);
  const waiting = bench.jobs.waitFor(job.id, { waitMs: MINUTE });
  const waitingForAll = bench.jobs.waitForAll([job.id], { waitMs: MINUTE });
  await bench.clock.advance(100);
  const read = bench.jobStore.read.bind(bench.jobStore);
  bench.jobStore.read = () => Promise.reject(UNREADABLE);
  await bench.clock.advance(MINUTE);
  const blocked = {
    id: job.id,
    state: 'processing',
    failure: { kind: 'storage_failed', creditsSpent: 'maybe' },
  };
  expect(await waiting).toMatchObject(blocked);
  expect(await waitingForAll).toMatchObject([blocked]);
  bench.jobStore.read = read;
  // What stopped its polling is remembered until the next try.
  expect(await bench.jobs.waitFor(job.id, { waitMs: 0 })).toMatchObject(blocked);
  await bench.jobs.close();
});

it('a call whose rest cannot be reserved any more is answered with what it has ordered', async () => {
  const bench = createBench();
  const admit = bench.limits.admit.bind(bench.limits);
  let calls = 0;
  bench.limits.admit = async (orders, spending) => {
    calls += 1;
    if (calls > 1) throw UNREADABLE;
    const admitted = await admit(orders.slice(0, 1), spending);
    if (admitted.type !== 'taken') throw new Error('nothing was reserved');
    // Its process died before it recorded that one.
    return { ...admitted, admissions: [...admitted.admissions, { type: 'duplicate', id: 'job_gone' }] };
  };
  const ordered = await bench.orderAll(['one', 'two'].map((prompt) => ({ request: { ...REQUEST, prompt } })));
  expect(ordered).toMatchObject([
    { duplicate: false, job: { state: 'queued' } },
    { refused: true, job: { state: 'failed', failure: { kind: 'storage_failed', creditsSpent: 'no' } } },
  ]);
  await bench.jobs.close();
});
