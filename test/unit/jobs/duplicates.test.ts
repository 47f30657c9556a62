/** Proves that a repeated call is the same order, whoever makes it and whatever became of the first. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dedupeKey, type ImageRequest } from '../../../src/core/image-request.ts';
import { admitOne } from '../../support/one-order.ts';
import { propose } from '../../support/place-orders.ts';
import { owner, remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, leftBehind, REQUEST, startProcess, thrown } from './fakes.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

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
    expect(await bench.jobs.list()).toHaveLength(1);
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
    expect((await bench.jobs.list()).map(({ state }) => state)).toEqual(['saved', 'saved']);
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

  it('within two minutes of the picture is answered with it, and later is a new order', async () => {
    await order();
    expect((await bench.recorded()).state).toBe('saved');
    await bench.clock.advance(100_000);
    expect(await order()).toMatchObject({ job: { id: 'job_1', state: 'saved' }, duplicate: true });
    await bench.clock.advance(20_000);
    expect((await order()).duplicate).toBe(false);
    expect(keys()).toEqual(['key-1', 'key-2']);
  });

  it('is a picture of its own when that is wanted', async () => {
    await order();
    const second = bench.order(REQUEST, { allowDuplicate: true });
    await bench.clock.advance(5_000);
    expect(await second).toMatchObject({ duplicate: false });
    expect(keys()).toEqual(['key-1', 'key-2']);
  });

  it('after a failure is a new order, whether that cost credits or not', async () => {
    bench.provider.submissions = [thrown({ kind: 'no_credits', creditsSpent: 'no', retry: 'no' }), remoteJob('failed')];
    await order();
    expect(await order()).toMatchObject({ duplicate: false });
    expect((await bench.recorded('job_2')).failure?.kind).toBe('generation_failed');
    expect(await order()).toMatchObject({ duplicate: false });
    expect(keys()).toEqual(['key-1', 'key-2', 'key-3']);
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

describe('an equal order of a process that is gone', () => {
  it('that may have been sent is resumed under its own key', async () => {
    await left({ state: 'submitting' });
    expect(await order()).toMatchObject({ job: { id: 'job_7' }, duplicate: true });
    expect(keys()).toEqual(['key-of-7']);
    expect(await bench.recorded('job_7')).toMatchObject({ state: 'saved', owner: owner(1) });
    expect(await bench.jobs.list()).toHaveLength(1);
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

  it('of unknown outcome counts as a duplicate for days: nothing is sent', async () => {
    await left({ state: 'submitting', createdAt: bench.clock.now() - DAY, updatedAt: bench.clock.now() - DAY });
    expect(await order()).toMatchObject({ job: { id: 'job_7', state: 'unknown' }, duplicate: true });
    await bench.clock.advance(5 * DAY);
    expect(await order()).toMatchObject({ job: { id: 'job_7', state: 'unknown' }, duplicate: true });
    expect(keys()).toEqual([]);
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
