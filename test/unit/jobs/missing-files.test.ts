/** Proves that a paid picture comes back when its file or its address is gone, without a new order. */
import { expect, it } from 'vitest';
import { remoteJob } from '../core/sample-jobs.ts';
import { createBench, REQUEST, thrown } from './fakes.ts';

const BOUNDS = { maxBytes: 100_000, maxSidePx: 512 };

it('a saved picture whose file is gone is fetched again by whoever asks for it', async () => {
  const bench = createBench();
  const { job } = await bench.order(REQUEST);
  await bench.clock.advance(60_000);
  expect((await bench.recorded()).state).toBe('saved');
  await bench.jobs.pictures.show((await bench.jobs.check(job.id)) ?? job, BOUNDS);
  expect(bench.download.fetched).toHaveLength(1);
  bench.store.present = false;
  bench.store.answers = ['/pictures/fox-again.jpg'];
  expect(await bench.jobs.check(job.id)).toMatchObject({ state: 'saved', file: '/pictures/fox-again.jpg' });
  expect(bench.download.fetched).toHaveLength(2);
  expect(bench.provider.submitted).toHaveLength(1);
});

it('one that no answer has shown yet is still here, and is saved again without a download', async () => {
  const bench = createBench();
  const { job } = await bench.order(REQUEST);
  await bench.clock.advance(60_000);
  bench.store.present = false;
  bench.store.answers = ['/pictures/fox-again.jpg'];
  expect(await bench.jobs.check(job.id)).toMatchObject({ state: 'saved', file: '/pictures/fox-again.jpg' });
  expect(bench.download.fetched).toHaveLength(1);
});

it('one that cannot be fetched again is reported as finished and not on disk, as long as that lasts', async () => {
  const bench = createBench();
  const { job } = await bench.order(REQUEST);
  await bench.clock.advance(60_000);
  await bench.jobs.pictures.show(await bench.recorded(), BOUNDS);
  bench.store.present = false;
  bench.download.answers = [thrown({ kind: 'download_failed', retry: 'no', creditsSpent: 'yes' })];
  const reported = await bench.jobs.check(job.id);
  expect(reported).toMatchObject({ state: 'completed', failure: { kind: 'download_failed' } });
  expect(reported).not.toHaveProperty('file');
  expect(await bench.jobs.waitFor(job.id, { waitMs: 1_000 })).toMatchObject({ state: 'completed' });
});

it('an address that has expired is read again from the job', async () => {
  const bench = createBench();
  bench.provider.readings = [
    remoteJob('completed', { url: 'https://cdn.doitong.com/old.jpg' }),
    remoteJob('completed', { url: 'https://cdn.doitong.com/new.jpg' }),
  ];
  const answers = bench.download.answers;
  bench.download.answers = [thrown({ kind: 'download_failed', retry: 'no', creditsSpent: 'yes' }), ...answers];
  await bench.order(REQUEST);
  await bench.clock.advance(60_000);
  expect(bench.download.fetched).toEqual(['https://cdn.doitong.com/old.jpg', 'https://cdn.doitong.com/new.jpg']);
  expect(await bench.recorded()).toMatchObject({ state: 'saved', url: 'https://cdn.doitong.com/new.jpg' });
});
