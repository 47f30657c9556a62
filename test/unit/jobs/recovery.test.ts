/** Proves what becomes of jobs that another process left, that are too old, or that stand before a silence. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { advance } from '../../../src/core/job.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { owner, remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { listedIn } from '../../support/listed-jobs.ts';
import { type Bench, createBench, leftBehind, REQUEST, thrown } from './fakes.ts';

const HOUR = 60 * 60_000;
const MINUTE = 60_000;

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.jobs.close());

/** A job on record as a process left it. */
async function left(patch: Parameters<typeof sampleJob>[0]): Promise<void> {
  const now = bench.clock.now();
  await bench.jobStore.add(sampleJob({ createdAt: now, updatedAt: now, owner: owner(7), ...patch }));
}

async function polled(): Promise<unknown> {
  // As each tool call does.
  bench.jobs.watch();
  const check = bench.jobs.check('job_1');
  await bench.clock.advance(5_000);
  return check;
}

describe('what another process left', () => {
  it('is closed as not sent when it was only queued', async () => {
    await left({ state: 'queued' });
    const failure = { kind: 'interrupted', creditsSpent: 'no', retry: 'later' };
    expect(await polled()).toMatchObject({ state: 'failed', failure });
    expect(bench.provider.submitted).toEqual([]);
  });

  it('is closed for whoever waits for it when its process goes silent meanwhile', async () => {
    bench.living.add(7);
    await left({ state: 'queued' });
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000 });
    await bench.clock.advance(10_000);
    bench.living.delete(7);
    await bench.clock.advance(1_000);
    expect(await waiting).toMatchObject({ state: 'failed', failure: { kind: 'interrupted', creditsSpent: 'no' } });
  });

  it('is looked after at the first call, whatever that is about', async () => {
    await left({ state: 'queued' });
    await left({ id: 'job_2', state: 'submitting', idempotencyKey: 'key-of-7' });
    await left({ id: 'job_3', state: 'processing', remoteId: 'dt_3' });
    await left({ id: 'job_4', state: 'completed', remoteId: 'dt_4', url: 'https://cdn.doitong.com/4.jpg' });
    bench.jobs.watch();
    await bench.clock.advance(10_000);
    const jobs = await Promise.all(['job_1', 'job_2', 'job_3', 'job_4'].map(bench.recorded));
    expect(jobs.map(({ state }) => state)).toEqual(['failed', 'saved', 'saved', 'saved']);
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-of-7']);
    // Nothing is open any more.
    expect(bench.clock.pending()).toBe(0);
  });

  it('is settled by its record when the reservations lost that, also while its process still seems to live', async () => {
    bench.living.add(7);
    const now = bench.clock.now();
    const times = { createdAt: now, updatedAt: now, owner: owner(7) };
    await leftBehind(bench, sampleJob({ ...times, state: 'queued' }));
    const seen = await bench.jobStore.read('job_1');
    if (seen === undefined) throw new Error('no record');
    // As after a power failure: what was noted last was not forced to the disk.
    const saved = { state: 'saved', remoteId: 'dt_1', file: '/pictures/fox.jpg', savedAt: now } as const;
    await bench.jobStore.replace(seen, { ...seen.value, ...saved, credits: { min: 10, max: 20, exact: 15 } });
    bench.jobs.watch();
    await bench.clock.advance(30_000);
    const { reservations } = await bench.limits.state();
    expect(totalsOf(reservations, now)).toMatchObject({ spentCredits: 15, reservedCredits: 0 });
  });

  it('is looked after once this process has ordered something, although its first look saw nothing open', async () => {
    bench.jobs.watch();
    await bench.order(REQUEST);
    await left({ id: 'job_7', state: 'processing', remoteId: 'dt_7' });
    await bench.clock.advance(MINUTE);
    expect((await bench.recorded('job_7')).state).toBe('saved');
  });

  it('is left alone by a list, by itself', async () => {
    await left({ state: 'submitting' });
    await listedIn(bench.jobs);
    await bench.clock.advance(MINUTE);
    expect((await bench.recorded()).state).toBe('submitting');
    expect(bench.provider.submitted).toEqual([]);
  });

  it('is not sent again by itself when it is older than an hour', async () => {
    const createdAt = bench.clock.now() - HOUR - 1;
    await left({ state: 'submitting', createdAt, idempotencyKey: 'key-of-7' });
    const failure = { kind: 'ambiguous', creditsSpent: 'maybe', reason: { code: 'no_answer' } };
    expect(await polled()).toMatchObject({ state: 'unknown', failure });
    await bench.clock.advance(HOUR);
    expect(bench.provider.submitted).toEqual([]);
    await bench.jobs.resumeAll();
    await bench.clock.advance(5_000);
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-of-7']);
    expect((await bench.recorded()).state).toBe('saved');
  });

  it('is repeated under its own key when its answer is missing', async () => {
    await left({ state: 'submitting', idempotencyKey: 'key-of-7' });
    await polled();
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-of-7']);
    expect(await bench.recorded()).toMatchObject({ state: 'saved', owner: owner(1) });
  });

  it('is left to a process that lives and is sending it', async () => {
    bench.living.add(7);
    await left({ state: 'submitting' });
    expect(await polled()).toMatchObject({ state: 'submitting' });
    expect(bench.provider.submitted).toEqual([]);
    await bench.clock.advance(59 * MINUTE);
    expect(bench.provider.submitted).toEqual([]);
  });

  it('is sent again as soon as that process shows no sign of life, without another call', async () => {
    bench.living.add(7);
    await left({ state: 'submitting', idempotencyKey: 'key-of-7' });
    await polled();
    bench.living.delete(7);
    await bench.clock.advance(5_000);
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-of-7']);
  });

  it('is fetched here as well when its answer is the picture: the other may end before it is saved', async () => {
    bench.living.add(7);
    await left({ state: 'submitting' });
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000 });
    await bench.clock.advance(1_000);
    await bench.jobStore.change('job_1', (job) =>
      advance(job, { type: 'status_received', remote: remoteJob('completed'), at: bench.clock.now() }),
    );
    await bench.clock.advance(5_000);
    expect((await waiting).state).toBe('saved');
    expect(bench.provider.submitted).toEqual([]);
  });

  it('is polled again when it was running, and fetched again when its file is missing', async () => {
    await left({ state: 'processing', remoteId: 'dt_1' });
    await polled();
    expect((await bench.recorded()).state).toBe('saved');
    await left({ id: 'job_2', state: 'completed', remoteId: 'dt_2', url: 'https://cdn.doitong.com/2.jpg' });
    await bench.jobs.check('job_2');
    expect((await bench.recorded('job_2')).state).toBe('saved');
    expect(bench.provider.submitted).toEqual([]);
  });
});

describe('an order without an answer', () => {
  const keys = () => bench.provider.submitted.map(({ key }) => key);

  it('is sent again by itself for an hour with growing pauses, and is of unknown outcome then', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' })];
    await bench.order(REQUEST);
    await bench.clock.advance(59 * MINUTE);
    expect((await bench.recorded()).state).toBe('submitting');
    const inAnHour = keys();
    // After 10, 20, 40, 80, 160 and 320 s, then every 10 minutes.
    expect(inAnHour).toEqual(Array.from({ length: 11 }, () => 'key-1'));
    await bench.clock.advance(12 * MINUTE);
    const failure = { kind: 'ambiguous', reason: { code: 'no_answer' }, creditsSpent: 'maybe' };
    expect(await bench.recorded()).toMatchObject({ state: 'unknown', failure });
    await bench.clock.advance(HOUR);
    await polled();
    expect(keys()).toEqual(inAnHour);
  });

  it('is sent again by an equal order for 23 hours and never after: the service may have forgotten its key', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' })];
    await bench.order(REQUEST);
    await bench.clock.advance(22 * HOUR);
    const before = keys().length;
    const again = bench.order(REQUEST);
    await bench.clock.advance(5_000);
    expect(await again).toMatchObject({ duplicate: true, job: { id: 'job_1' } });
    expect(keys()).toHaveLength(before + 1);
    await bench.clock.advance(2 * HOUR - MINUTE);
    const tooLate = bench.order(REQUEST);
    await bench.clock.advance(5_000);
    const failure = { reason: { code: 'key_too_old' }, creditsSpent: 'maybe', retry: 'no' };
    expect(await tooLate).toMatchObject({ duplicate: true, job: { id: 'job_1', state: 'unknown', failure } });
    await polled();
    expect(new Set(keys())).toEqual(new Set(['key-1']));
    expect(keys()).toHaveLength(before + 1);
  });
});

describe('a silence that the service asked for', () => {
  const silent = (ms: number): Promise<void> => bench.limits.learn({ pausedUntil: bench.clock.now() + ms });

  it('is waited for before an order leaves, while the order is still queued', async () => {
    await silent(20_000);
    await bench.order(REQUEST);
    await bench.clock.advance(19_999);
    expect((await bench.recorded()).state).toBe('queued');
    expect(bench.provider.submitted).toEqual([]);
    await bench.clock.advance(50);
    expect(bench.provider.submitted).toHaveLength(1);
  });

  it('that is long is reported instead of waited for; nothing was sent', async () => {
    await silent(10 * MINUTE);
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    const failure = { kind: 'rate_limited', creditsSpent: 'no', retryAfterSeconds: 600 };
    expect(await bench.recorded()).toMatchObject({ state: 'failed', failure });
    expect(bench.provider.submitted).toEqual([]);
  });

  it('that is long ends the polling, is reported, and a later check polls again', async () => {
    bench.provider.readings = [remoteJob('processing')];
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    await silent(24 * HOUR);
    await bench.clock.advance(10_000);
    const failure = { kind: 'rate_limited', creditsSpent: 'maybe' };
    expect(await bench.recorded()).toMatchObject({ state: 'processing', failure });
    await bench.clock.advance(24 * HOUR);
    bench.provider.readings = [remoteJob('completed')];
    await polled();
    expect((await bench.recorded()).state).toBe('saved');
  });
});

it('a picture that could not be saved is kept, shown, and saved without being fetched again', async () => {
  bench.store.answers = [
    thrown({ kind: 'storage_failed', creditsSpent: 'yes', retry: 'same_job' }),
    '/pictures/fox.jpg',
  ];
  await bench.order(REQUEST);
  await bench.clock.advance(1_500);
  const job = await bench.recorded();
  expect(job).toMatchObject({ state: 'completed', failure: { kind: 'storage_failed' } });
  expect(await bench.jobs.pictures.read(job)).toHaveLength(3);
  await polled();
  expect((await bench.recorded()).state).toBe('saved');
  expect(bench.download.fetched).toHaveLength(1);
});
