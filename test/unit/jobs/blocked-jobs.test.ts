/** Proves that one job in trouble does not keep all others waiting. */
import { expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, leftBehind, REQUEST, thrown } from './fakes.ts';

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

const notSaved = (problem: string) =>
  thrown({
    kind: 'storage_failed',
    reason: { code: 'picture_not_saved', folder: '/pictures', problem },
    retry: 'same_job',
  });

it.each(['ENOSPC', 'EDQUOT'])(
  'a picture that finds no room (%s) is saved before another one is ordered, or nothing is sent',
  async (problem) => {
    const bench = createBench();
    bench.store.answers = [notSaved(problem)];
    await bench.order({ ...REQUEST, prompt: 'the first' });
    await bench.clock.advance(10_000);
    expect((await bench.recorded('job_1')).state).toBe('completed');
    const refused = bench.order({ ...REQUEST, prompt: 'the second' });
    await expect(refused).rejects.toMatchObject({
      failure: { kind: 'storage_failed', reason: { code: 'folder_not_usable', problem }, creditsSpent: 'no' },
    });
    expect(bench.provider.submitted).toHaveLength(1);
    // It is not told to wait for the next try: the order makes it.
    bench.store.answers = ['/pictures/fox.jpg'];
    await bench.order({ ...REQUEST, prompt: 'the second' });
    await bench.clock.advance(1_000);
    expect((await bench.recorded('job_1')).state).toBe('saved');
    expect(bench.provider.submitted).toHaveLength(2);
    await bench.jobs.close();
  },
);

it.each<[string, (bench: Bench) => void]>([
  [
    'cannot be fetched',
    ({ download }) => {
      download.answers = [thrown({ kind: 'download_failed', retry: 'same_job' })];
    },
  ],
  [
    'has something in its way',
    ({ store }) => {
      store.answers = [notSaved('EEXIST')];
    },
  ],
])('a picture that %s stops no other order', async (_, obstruct) => {
  const bench = createBench();
  obstruct(bench);
  await bench.order({ ...REQUEST, prompt: 'the first' });
  await bench.clock.advance(MINUTE);
  expect((await bench.recorded('job_1')).state).toBe('completed');
  await bench.order({ ...REQUEST, prompt: 'the second' });
  await bench.clock.advance(1_000);
  expect(bench.provider.submitted).toHaveLength(2);
  await bench.jobs.close();
});
