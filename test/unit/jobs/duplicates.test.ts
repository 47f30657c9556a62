/** Proves that a repeated call is the same order, whoever makes it and whatever became of the first. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dedupeKey, type ImageRequest } from '../../../src/core/image-request.ts';
import { admitOne } from '../../support/one-order.ts';
import { propose } from '../../support/place-orders.ts';
import { owner, remoteJob, sampleFailure, sampleJob } from '../core/sample-jobs.ts';
import { listedIn } from '../../support/listed-jobs.ts';
import { type Bench, createBench, leftBehind, REQUEST, startProcess, thrown } from './fakes.ts';

const HOUR = 60 * 60_000;

let bench: Bench;
beforeEach(() => {
  bench = createBench({ plan: 'pro' });
});
afterEach(() => bench.jobs.close());

const keys = (of: Pick<Bench, 'provider'> = bench): string[] => of.provider.submitted.map(({ key }) => key);

/** An order of process 7, which is gone, as it left it. */
async function left(patch: Parameters<typeof sampleJob>[0]): Promise<void> {
  const now = bench.clock.now();
  const job = sampleJob({ id: 'job_7', idempotencyKey: 'key-of-7', createdAt: now, updatedAt: now, ...patch });
  await leftBehind(bench, { ...job, owner: patch?.owner ?? owner(7) });
}

async function order(request: ImageRequest = REQUEST, of: Pick<Bench, 'order'> = bench) {
  const ordering = of.order(request);
  await bench.clock.advance(5_000);
  return ordering;
}

describe('an equal request', () => {
  it('while the first is under way is answered with its job; one order is sent', async () => {
    bench.provider.submissions = ['stall'];
    expect(await order()).toMatchObject({ job: { id: 'job_1' }, duplicate: false });
    expect(await order()).toMatchObject({ job: { id: 'job_1', state: 'submitting' }, duplicate: true });
    expect(keys()).toEqual(['key-1']);
    expect(await listedIn(bench.jobs)).toHaveLength(1);
  });

  it('at the very same time is one order, and every caller waits for the same picture', async () => {
    const orders = Promise.all(Array.from({ length: 6 }, () => bench.order(REQUEST)));
    await bench.clock.advance(100);
    const answers = await orders;
    expect(new Set(answers.map(({ job }) => job.id)).size).toBe(1);
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    const waits = answers.map(({ job }) => bench.jobs.waitFor(job.id, { waitMs: 45_000 }));
    await bench.clock.advance(2_000);
    expect((await Promise.all(waits)).map(({ state }) => state)).toEqual(answers.map(() => 'saved'));
    expect(keys()).toHaveLength(1);
  });

  it('at the very same time is sent although its record is seen before it is safely written', async () => {
    const add = bench.jobStore.add.bind(bench.jobStore);
    bench.jobStore.add = async (job) => {
      await add(job);
      await bench.clock.sleep(300);
    };
    const orders = Promise.all(['fox', 'fox', 'hare', 'fox', 'hare'].map((prompt) => order({ ...REQUEST, prompt })));
    await bench.clock.advance(10_000);
    expect((await orders).map(({ duplicate }) => duplicate)).toEqual([false, true, false, true, true]);
    expect((await listedIn(bench.jobs)).map(({ state }) => state)).toEqual(['saved', 'saved']);
    expect(keys()).toHaveLength(2);
  });

  it('is one that reads the same: white space and the form of letters make no picture of its own', async () => {
    await order({ ...REQUEST, prompt: 'a café  fox' });
    const again = await order({ ...REQUEST, prompt: ' a cafe\u0301\nfox ' });
    expect(again.duplicate).toBe(true);
    const request = { prompt: 'a fox', width: 1024, height: 1024 };
    for (const other of [
      { ...request, prompt: 'A fox' },
      { ...request, width: 1032 },
      { ...request, version: 'flux-pro' as const },
      { ...request, quality: 'high' as const },
    ])
      expect(dedupeKey(other)).not.toBe(dedupeKey(request));
  });

  it('after a failure is a new order, whether that cost credits or not', async () => {
    bench.provider.submissions = [thrown({ kind: 'no_credits', creditsSpent: 'no', retry: 'no' }), remoteJob('failed')];
    await order();
    expect(await order()).toMatchObject({ duplicate: false });
    expect((await bench.recorded('job_2')).failure?.kind).toBe('generation_failed');
    expect(await order()).toMatchObject({ duplicate: false });
    expect(keys()).toEqual(['key-1', 'key-2', 'key-3']);
  });

  it('after a failure does not ask the service how long ago that was', async () => {
    bench.provider.ahead = { ms: 0, unasked: true };
    bench.provider.submissions = [thrown({ kind: 'no_credits', creditsSpent: 'no', retry: 'no' })];
    await order();
    expect(await order()).toMatchObject({ duplicate: false });
    expect(bench.provider.ahead).toEqual({ ms: 0, unasked: true });
  });

  it('is a picture of its own when that is wanted', async () => {
    await order();
    const second = bench.order(REQUEST, { allowDuplicate: true });
    await bench.clock.advance(5_000);
    expect(await second).toMatchObject({ duplicate: false });
    expect(keys()).toEqual(['key-1', 'key-2']);
  });

  it('is known before it is made, so that nobody is asked for its price', async () => {
    const call = { canAsk: true, answer: undefined, isBatch: false };
    bench = createBench({ plan: 'pro', confirmAboveCredits: 0 });
    expect(await propose(bench.jobs, [{ request: REQUEST }], call)).toMatchObject({
      type: 'ask',
      estimate: { min: 10, max: 20 },
      added: [{ request: REQUEST }],
    });
    await order();
    expect(await propose(bench.jobs, [{ request: REQUEST }], call)).toMatchObject({
      type: 'ready',
      duplicates: [{ id: 'job_1' }],
    });
    expect(keys()).toEqual(['key-1']);
  });

  it('resumes the first under its own key when that was left open', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' }), remoteJob('completed')];
    await order();
    expect(await order()).toMatchObject({ job: { id: 'job_1' }, duplicate: true });
    expect(keys()).toEqual(['key-1', 'key-1']);
    expect((await bench.recorded()).state).toBe('saved');
  });
});

describe('an equal request after the picture was saved', () => {
  /** Hours after the picture was saved: in this process, or in another one. */
  async function again(hours: number, of: Pick<Bench, 'order'> = bench) {
    const { savedAt } = await bench.recorded();
    if (savedAt === undefined) throw new Error('the picture is not saved');
    await bench.clock.advance(savedAt + hours * HOUR - bench.clock.now());
    return order(REQUEST, of);
  }

  it('gets it for 24 hours without a charge, in every process, and is a new order after that', async () => {
    await order();
    await bench.jobs.close();
    bench.living.delete(1);
    const next = startProcess(2, bench);
    expect(await again(0.1, next)).toMatchObject({ job: { id: 'job_1', state: 'saved' }, duplicate: true });
    expect(await again(23, next)).toMatchObject({ job: { id: 'job_1', state: 'saved' }, duplicate: true });
    expect([keys(), keys(next)]).toEqual([['key-1'], []]);
    expect(await again(25, next)).toMatchObject({ duplicate: false });
    expect([keys(), keys(next)]).toEqual([['key-1'], ['key-2']]);
    await next.jobs.close();
  });

  it('gets it as long after it was saved, not after it was ordered', async () => {
    bench.download.answers = [thrown({ kind: 'download_failed', creditsSpent: 'yes' })];
    await order();
    await bench.clock.advance(20 * HOUR);
    expect(await order()).toMatchObject({ job: { id: 'job_1', state: 'completed' }, duplicate: true });
    bench.download.answers = [{ bytes: new Uint8Array([255]), mediaType: 'image/jpeg', extension: 'jpg' }];
    await order();
    expect(await again(23)).toMatchObject({ job: { id: 'job_1', state: 'saved' }, duplicate: true });
    expect(keys()).toEqual(['key-1']);
  });

  it('is a new order at once where nothing is found again, but not while the first is open', async () => {
    bench = createBench({ plan: 'pro', duplicateHours: 0 });
    bench.provider.readings = [remoteJob('processing'), remoteJob('completed')];
    const first = await bench.order(REQUEST);
    expect((await bench.order(REQUEST)).job.id).toBe(first.job.id);
    await bench.clock.advance(60_000);
    expect((await bench.recorded()).state).toBe('saved');
    expect(await order()).toMatchObject({ duplicate: false });
    expect(keys()).toEqual(['key-1', 'key-2']);
  });

  it('gets it for a week where that is set', async () => {
    bench = createBench({ plan: 'pro', duplicateHours: 168 });
    await order();
    expect(await again(167)).toMatchObject({ job: { id: 'job_1' }, duplicate: true });
    expect(await again(168)).toMatchObject({ duplicate: false });
  });

  it('is answered with it even where the budget of the day is used up: it costs nothing', async () => {
    bench = createBench({ plan: 'pro', maxCreditsPerDay: 20, maxImagesPerDay: 1 });
    await order();
    expect(await order()).toMatchObject({ job: { id: 'job_1' }, duplicate: true });
    await expect(bench.order({ ...REQUEST, prompt: 'a hare' })).rejects.toMatchObject({
      failure: { kind: 'over_budget' },
    });
    expect((await bench.jobs.limits()).daily.used).toBe(1);
  });

  it('gets the newest of several', async () => {
    await order();
    const other = bench.order(REQUEST, { allowDuplicate: true });
    await bench.clock.advance(5_000);
    await other;
    expect((await order()).job.id).toBe('job_2');
  });
});

describe('an equal request after the picture was moderated', () => {
  it('gets the same answer for 24 hours without a charge, and is a new order after that', async () => {
    const failure = sampleFailure({ kind: 'moderated', creditsSpent: 'yes', retry: 'no' });
    bench.provider.submissions = [remoteJob('failed', { failure }), remoteJob('processing')];
    await order();
    await bench.clock.advance(23 * HOUR);
    expect(await order()).toMatchObject({ job: { id: 'job_1', failure: { kind: 'moderated' } }, duplicate: true });
    expect(keys()).toEqual(['key-1']);
    await bench.clock.advance(HOUR);
    expect(await order()).toMatchObject({ duplicate: false });
  });
});

describe('an equal order of a process that is gone', () => {
  it('that may have been sent is resumed under its own key', async () => {
    await left({ state: 'submitting' });
    expect(await order()).toMatchObject({ job: { id: 'job_7' }, duplicate: true });
    expect(keys()).toEqual(['key-of-7']);
    expect(await bench.recorded('job_7')).toMatchObject({ state: 'saved', owner: owner(1) });
    expect(await listedIn(bench.jobs)).toHaveLength(1);
  });

  it('that runs at the service is polled', async () => {
    await left({ state: 'processing', remoteId: 'dt_7' });
    expect(await order()).toMatchObject({ job: { id: 'job_7' }, duplicate: true });
    expect((await bench.recorded('job_7')).state).toBe('saved');
    expect(keys()).toEqual([]);
  });

  it('that was never sent is closed as such, and the picture is ordered again', async () => {
    await left({ state: 'queued' });
    expect(await order()).toMatchObject({ job: { id: 'job_1' }, duplicate: false });
    expect(await bench.recorded('job_7')).toMatchObject({ state: 'failed', failure: { creditsSpent: 'no' } });
    expect(keys()).toEqual(['key-1']);
  });

  it.each([0, 24])(
    'of unknown outcome is found for a day after it was ordered, with %i hours: nothing is sent',
    async (hours) => {
      bench = createBench({ plan: 'pro', duplicateHours: hours });
      const createdAt = bench.clock.now() - 23.5 * HOUR;
      await left({ state: 'submitting', createdAt, updatedAt: createdAt });
      expect(await order()).toMatchObject({ job: { id: 'job_7', state: 'unknown' }, duplicate: true });
      await bench.clock.advance(0.5 * HOUR - 15_000);
      expect(await order()).toMatchObject({ job: { id: 'job_7', state: 'unknown' }, duplicate: true });
      expect(keys()).toEqual([]);
      await bench.clock.advance(10_000);
      expect(await order()).toMatchObject({ duplicate: false });
      expect(keys()).toEqual(['key-1']);
    },
  );

  it('whose record is lost after it may have been sent is in the way each time: nothing is sent', async () => {
    const now = bench.clock.now();
    const entry = { id: 'job_7', at: now, owner: owner(7), maxCredits: 20, dedupeKey: dedupeKey(REQUEST) };
    await admitOne(bench.limits, { ...entry, allowDuplicate: false }, { creditsPerDay: null, imagesPerDay: null });
    await bench.limits.slot('job_7');
    for (const call of [1, 2, 3])
      await expect(bench.order(REQUEST), `call ${call}`).rejects.toMatchObject({
        failure: { kind: 'storage_failed', creditsSpent: 'maybe' },
      });
    await bench.clock.advance(24 * HOUR);
    expect(await order()).toMatchObject({ duplicate: false });
    expect(keys()).toEqual(['key-1']);
  });

  it('that was admitted and never recorded does not count', async () => {
    const entry = {
      id: 'job_7',
      at: bench.clock.now(),
      owner: owner(7),
      maxCredits: 20,
      dedupeKey: dedupeKey(REQUEST),
      allowDuplicate: false,
    };
    await admitOne(bench.limits, entry, { creditsPerDay: null, imagesPerDay: null });
    expect(await order()).toMatchObject({ job: { id: 'job_1' }, duplicate: false });
    expect((await bench.jobs.limits()).daily.used).toBe(1);
  });
});

describe('an equal order of a process that lives', () => {
  it('is left to it, and seen by whoever waits for it here', async () => {
    const other = startProcess(2, bench);
    bench.provider.submissions = ['stall'];
    await order();
    expect(await order(REQUEST, other)).toMatchObject({ job: { id: 'job_1', state: 'submitting' }, duplicate: true });
    expect(keys(other)).toEqual([]);
    await other.jobs.close();
  });

  it('is waited for while it is being recorded, however slow its disk is', async () => {
    const other = startProcess(2, bench);
    const add = bench.jobStore.add.bind(bench.jobStore);
    bench.jobStore.add = async (job) => {
      await bench.clock.sleep(20_000);
      await add(job);
    };
    const first = bench.order(REQUEST);
    await bench.clock.advance(0);
    const second = other.order(REQUEST);
    await bench.clock.advance(21_000);
    expect(await first).toMatchObject({ job: { id: 'job_1' }, duplicate: false });
    expect(await second).toMatchObject({ job: { id: 'job_1' }, duplicate: true });
    expect([keys(), keys(other)]).toEqual([['key-1'], []]);
    await other.jobs.close();
  });
});
