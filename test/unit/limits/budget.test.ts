/** Proves that no order is sent that the budget does not pay for, and that what is reserved is given back. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import type { ImageRequest } from '../../../src/core/image-request.ts';
import type { ProposeOptions } from '../../../src/jobs/orders.ts';
import { estimateOf } from '../../../src/limits/budget.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { propose } from '../../support/place-orders.ts';
import { wordsOf } from '../../support/words.ts';
import { owner, remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, leftBehind, REQUEST, thrown } from '../jobs/fakes.ts';
import { listedIn } from '../../support/listed-jobs.ts';

const LARGE = { prompt: 'a fox', width: 2_048, height: 2_048 };

let bench: Bench;
beforeEach(() => {
  bench = createBench({ plan: 'pro' });
});
afterEach(() => bench.jobs.close());

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error: unknown = await work.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FluxError);
  return (error as FluxError).failure;
}
const another = (n: number) => ({ ...REQUEST, prompt: `fox number ${n}` });
const totals = async () => totalsOf((await bench.limits.state()).reservations, bench.clock.now());

/** What is said to a call for these pictures, of which nobody has been asked yet. */
const proposed = (requests: readonly ImageRequest[], options: Partial<ProposeOptions> = {}) =>
  propose(
    bench.jobs,
    requests.map((request) => ({ request })),
    { answer: undefined, ...options },
  );

describe('the price of a call', () => {
  it('is the sum of its pictures', () => {
    expect(estimateOf([])).toEqual({ min: 0, max: 0, images: 0 });
    expect(estimateOf([{ request: REQUEST }, { request: LARGE }])).toEqual({ min: 40, max: 70, images: 2 });
  });

  it('is refused above what one call may cost, confirmed or not', async () => {
    const ten = Array.from({ length: 10 }, () => LARGE);
    expect(await proposed(ten)).toMatchObject({ type: 'ask', estimate: { max: 500 } });
    for (const answer of [{ type: 'yes' as const, upTo: 10_000 }, undefined]) {
      const refused = await proposed([...ten, REQUEST], { accepted: 10_000, answer });
      expect(refused).toMatchObject({
        type: 'refused',
        failure: { kind: 'over_budget', creditsSpent: 'no', retry: 'no' },
      });
      if (refused.type !== 'refused') throw new Error('it was not refused');
      expect(wordsOf(refused.failure).what).toContain('520');
      expect(wordsOf(refused.failure).next).toContain('FLUX_MAX_CREDITS_PER_CALL');
    }
  });

  it.each([true, false])(
    'is refused above what the caller accepts, asked or not (several at once: %s)',
    async (isBatch) => {
      expect(await proposed([REQUEST], { accepted: 20, isBatch })).toMatchObject({ type: 'ready' });
      const failure = { kind: 'over_budget', creditsSpent: 'no' };
      const refused = await proposed([REQUEST], { accepted: 19, isBatch });
      expect(refused).toMatchObject({ type: 'refused', failure });
      if (refused.type === 'refused') expect(wordsOf(refused.failure).next).toContain('max_credits 20');
      // A ceiling is a ceiling: nobody is asked to go above it, and whoever was asked cannot.
      const expensive = [LARGE, LARGE, LARGE];
      for (const answer of [undefined, { type: 'yes' as const, upTo: 150 }])
        expect(await proposed(expensive, { accepted: 149, answer, isBatch })).toMatchObject({
          type: 'refused',
          failure,
        });
      const asked = { type: 'ask', estimate: { max: 150 } };
      expect(await proposed(expensive, { accepted: 150, isBatch })).toMatchObject(asked);
    },
  );

  it('is not told where nothing can be ordered', async () => {
    bench.provider.unavailability = {
      kind: 'bad_key',
      reason: { code: 'no_api_key' },
      creditsSpent: 'no',
      retry: 'no',
    };
    expect(await proposed([REQUEST])).toMatchObject({ type: 'refused', failure: { kind: 'bad_key' } });
  });
});

describe('an order over the budget of the day', () => {
  it('is refused with the figures; nothing is recorded and nothing is sent', async () => {
    bench = createBench({ plan: 'pro', maxCreditsPerDay: 50 });
    const priced = remoteJob('processing', { creditCost: 12 });
    bench.provider.submissions = [priced, priced, 'stall'];
    bench.provider.readings = ['stall'];
    for (const n of [1, 2]) await bench.order(another(n));
    await bench.clock.advance(0);
    await bench.order(another(3));
    const failure = await failureOf(bench.order(another(4)));
    expect(failure).toMatchObject({
      kind: 'over_budget',
      creditsSpent: 'no',
      retry: 'later',
      retryAfterSeconds: 24 * 60 * 60,
    });
    expect(wordsOf(failure).what).toContain("only 6 of today's 50 are left (24 spent, 20 reserved");
    await bench.clock.advance(1_000);
    expect(bench.provider.submitted).toHaveLength(3);
    expect(await listedIn(bench.jobs)).toHaveLength(3);
  });

  it('in pictures, or in jobs of the plan, is refused as well', async () => {
    bench = createBench({ plan: 'pro', maxImagesPerDay: 1 });
    await bench.order(another(1));
    const images = await failureOf(bench.order(another(2)));
    expect(images).toMatchObject({ kind: 'over_budget', creditsSpent: 'no' });
    expect(wordsOf(images).next).toContain('FLUX_MAX_IMAGES_PER_DAY');

    bench = createBench({ plan: 'free', maxImagesPerDay: 1_000, maxCreditsPerDay: 100_000 });
    const now = bench.clock.now();
    for (let n = 0; n < 100; n += 1)
      await leftBehind(bench, sampleJob({ id: `job_x${n}`, state: 'saved', createdAt: now, updatedAt: now }));
    const jobs = await failureOf(bench.order(another(1)));
    expect(jobs).toMatchObject({ kind: 'rate_limited', creditsSpent: 'no', retry: 'later' });
    expect(wordsOf(jobs).what).toContain('100 jobs a day');
  });

  it('is possible again on the next day', async () => {
    bench = createBench({ plan: 'pro', maxImagesPerDay: 1 });
    await bench.order(another(1));
    await bench.clock.advance(5_000);
    const failure = await failureOf(bench.order(another(2)));
    await bench.clock.advance((failure.retryAfterSeconds ?? 0) * 1_000);
    expect((await bench.order(another(2))).duplicate).toBe(false);
  });
});

describe('of twenty orders at a time', () => {
  it('with a budget for five, five are sent', async () => {
    bench = createBench({ plan: 'pro', maxCreditsPerDay: 119 });
    bench.provider.submissions = ['stall'];
    const orders = Promise.allSettled(Array.from({ length: 20 }, (_, n) => bench.order(another(n))));
    await bench.clock.advance(10_000);
    const done = await orders;
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    for (const result of done)
      if (result.status === 'rejected') expect(result.reason.failure).toMatchObject({ kind: 'over_budget' });
    expect(bench.provider.submitted).toHaveLength(5);
    expect(await totals()).toMatchObject({ images: 5, reservedCredits: 100 });
  });

  it('with a budget for all, all are sent: none is taken for one that was left behind', async () => {
    const orders = Promise.all(Array.from({ length: 20 }, (_, n) => bench.order(another(n))));
    await bench.clock.advance(60_000);
    await orders;
    await bench.clock.advance(120_000);
    const states = (await listedIn(bench.jobs)).map(({ state }) => state);
    expect(states).toEqual(Array.from({ length: 20 }, () => 'saved'));
    expect(bench.provider.submitted).toHaveLength(20);
  });
});

describe('what is reserved', () => {
  it('is reserved before the first byte leaves', async () => {
    let reserved: unknown;
    bench.provider.onSending = () => {
      reserved = totals();
    };
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect(await reserved).toMatchObject({ images: 1, reservedCredits: 20, slotsInUse: 1 });
  });

  it('gives way to the exact price', async () => {
    bench.provider.submissions = [remoteJob('processing', { creditCost: 12 })];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect(await totals()).toEqual({ images: 1, spentCredits: 12, reservedCredits: 0, slotsInUse: 1 });
    await bench.clock.advance(2_000);
    expect(await totals()).toEqual({ images: 1, spentCredits: 12, reservedCredits: 0, slotsInUse: 0 });
  });

  it('is given back when the order certainly cost nothing, and kept when that is not known', async () => {
    bench.provider.submissions = [
      thrown({ kind: 'no_credits', creditsSpent: 'no', retry: 'no' }),
      thrown({ kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' }),
    ];
    await bench.order(another(1));
    await bench.clock.advance(0);
    expect(await totals()).toMatchObject({ images: 0, reservedCredits: 0 });
    await bench.order(another(2));
    await bench.clock.advance(0);
    expect(await totals()).toMatchObject({ images: 1, reservedCredits: 20 });
  });

  it('is given back when the order cannot be recorded; nothing is sent then', async () => {
    const full = thrown({ kind: 'storage_failed', creditsSpent: 'no', retry: 'no' });
    bench.jobStore.add = () => Promise.reject(full);
    expect((await failureOf(bench.order(REQUEST))).kind).toBe('storage_failed');
    await bench.clock.advance(60_000);
    expect(await totals()).toMatchObject({ images: 0, reservedCredits: 0 });
    expect(bench.provider.submitted).toEqual([]);
  });

  it('by processes that are gone does not stand in the way for good', async () => {
    bench = createBench({ plan: 'pro', maxCreditsPerDay: 40 });
    const now = bench.clock.now();
    for (const id of ['job_a', 'job_b'])
      await leftBehind(bench, sampleJob({ id, owner: owner(7), createdAt: now, updatedAt: now }));
    expect((await bench.order(REQUEST)).duplicate).toBe(false);
    expect((await bench.recorded('job_a')).failure).toMatchObject({ creditsSpent: 'no' });
  });

  it('by an order whose outcome is not known stays reserved, and is counted as spent in the end', async () => {
    bench = createBench({ plan: 'pro', maxCreditsPerDay: 30 });
    bench.provider.submissions = [thrown({ kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' })];
    await bench.order(REQUEST);
    await bench.clock.advance(2 * 60 * 60_000);
    const polling = bench.jobs.check('job_1');
    await bench.clock.advance(5_000);
    expect((await polling)?.state).toBe('unknown');
    expect(await totals()).toEqual({ images: 1, spentCredits: 20, reservedCredits: 0, slotsInUse: 0 });
    expect((await failureOf(bench.order(another(2)))).kind).toBe('over_budget');
  });
});
