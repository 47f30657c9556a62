/** Proves the figures of the limits report, and that none is claimed that nobody reported. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import type { LimitsState } from '../../../src/limits/limits.ts';
import { limitsReport } from '../../../src/limits/limits-report.ts';
import { emptyRateState, type RateWindow, REQUEST_WINDOW } from '../../../src/limits/rate-state.ts';
import { reservationsOfJobs } from '../../../src/limits/reservations.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, REQUEST, thrown } from '../jobs/fakes.ts';

const NOW = CREATED_AT + 12 * 3_600_000;
const BUDGET = {
  maxCreditsPerCall: 500,
  maxCreditsPerDay: 1_000,
  maxImagesPerDay: 100,
  confirmAboveCredits: 100,
  lowCreditsAlert: 100,
};

let bench: Bench | undefined;
afterEach(async () => {
  await bench?.jobs.close();
  bench = undefined;
});

type Input = Partial<Omit<LimitsState, 'rateState' | 'reservations'>> & {
  window?: RateWindow;
  balance?: number;
  permits?: number[];
  jobs?: Job[];
};

function report({ window = {}, balance, permits = [], jobs = [], ...state }: Input = {}, budget = {}) {
  const rateState = {
    ...emptyRateState(NOW),
    window,
    permits,
    ...(balance === undefined ? {} : { balance: { credits: balance, at: NOW } }),
  };
  const reservations = reservationsOfJobs(jobs, ({ id }) => id, NOW);
  const requestLimit = window.limit ?? 10;
  return limitsReport(
    {
      plan: 'free',
      planKnown: false,
      requestLimit,
      reads: { left: null, perWindow: null, refillMs: 0 },
      counting: REQUEST_WINDOW,
      ...state,
      rateState,
      reservations,
    },
    { ...BUDGET, ...budget },
    NOW,
  );
}
const sent = (patch: Partial<Job>): Job => sampleJob({ remoteId: 'dt', createdAt: NOW, ...patch });

describe('before anything was reported', () => {
  it("the report is the free plan's table", () => {
    expect(report()).toEqual({
      plan: 'free',
      planKnown: false,
      canOrder: { standard: 25, large: 10, limitedBy: 'max_per_call' },
      canOrderToday: { standard: 50, large: 20, limitedBy: 'budget_per_day' },
      requests: { limit: 10, remaining: 10, resetsAt: null, source: 'plan' },
      concurrent: { limit: 1, inUse: 0 },
      daily: { limit: 100, used: 0 },
      images: { limit: 100, used: 0 },
      credits: {
        spentToday: 0,
        budgetPerDay: 1_000,
        reserved: 0,
        maxPerCall: 500,
        confirmAbove: 100,
        lastKnownBalance: null,
        low: false,
      },
      nextRequestAt: NOW,
    });
  });

  it('a plan without limits has none', () => {
    const { requests, concurrent, daily } = report({ plan: 'enterprise', requestLimit: null });
    expect(requests).toEqual({ limit: null, remaining: null, resetsAt: null, source: 'plan' });
    expect([concurrent.limit, daily.limit]).toEqual([null, null]);
  });

  it('our own requests of the last minute are counted', () => {
    const permits = [NOW - 70_000, NOW - 50_000, NOW - 1_000];
    expect(report({ permits }).requests.remaining).toBe(8);
    const full = Array.from({ length: 10 }, () => NOW - 41_000);
    expect(report({ permits: full })).toMatchObject({ requests: { remaining: 0 }, nextRequestAt: NOW + 20_000 });
  });
});

describe('what the headers reported', () => {
  const window = { limit: 30, remaining: 4, resetsAt: NOW + 20_000 };

  it('counts', () => {
    expect(report({ window, plan: 'starter' })).toMatchObject({
      requests: { limit: 30, remaining: 4, resetsAt: NOW + 20_000, source: 'headers' },
      concurrent: { limit: 3 },
      nextRequestAt: NOW,
    });
  });

  it('counts where our own count is higher, and gives way where it is lower', () => {
    const permits = Array.from({ length: 28 }, () => NOW - 1_000);
    expect(report({ window, permits }).requests.remaining).toBe(2);
  });

  it('is over with its window: a full one has begun', () => {
    const { requests, nextRequestAt } = report({ window: { ...window, remaining: 0, resetsAt: NOW } });
    expect(requests).toMatchObject({ limit: 30, remaining: 30, resetsAt: null });
    expect(nextRequestAt).toBe(NOW);
  });

  it('says when the next request may leave', () => {
    expect(report({ window: { ...window, remaining: 0 } }).nextRequestAt).toBe(NOW + 20_000);
    expect(report({ window: { pausedUntil: NOW + 90_000 } }).nextRequestAt).toBe(NOW + 90_000);
  });
});

describe('jobs', () => {
  it('are in use from the moment they may be there until the service is done with them', () => {
    const states = ['submitting', 'processing', 'unknown', 'completed', 'saved', 'failed'] as const;
    const jobs = states.map((state) => sent({ id: state, state }));
    expect(report({ jobs }).concurrent.inUse).toBe(2);
  });

  it('count for the UTC day on which the service took them, and for today while they are open, unless they certainly cost nothing', () => {
    const free = sampleFailure({ creditsSpent: 'no' });
    const jobs = [
      sent({ id: 'a', createdAt: CREATED_AT }),
      sent({ id: 'b', state: 'failed', failure: sampleFailure() }),
      sent({ id: 'c', state: 'saved', createdAt: CREATED_AT - 2, acceptedAt: CREATED_AT - 1, completedAt: NOW }),
      sent({ id: 'd', state: 'processing', createdAt: CREATED_AT - 2, acceptedAt: CREATED_AT - 1 }),
      sampleJob({ id: 'e', state: 'failed', createdAt: NOW, failure: free }),
    ];
    expect(report({ jobs }).daily.used).toBe(3);
  });

  it('add up to what is spent and what is reserved', () => {
    const credits = (exact: number | null) => ({ min: 10, max: 20, exact });
    const jobs = [
      sent({ id: 'a', state: 'saved', credits: credits(12) }),
      sent({ id: 'b', state: 'processing', credits: credits(15) }),
      sent({ id: 'c', state: 'processing', credits: credits(null) }),
      sent({ id: 'd', state: 'failed', credits: credits(null), failure: sampleFailure() }),
      sent({ id: 'e', state: 'saved', credits: credits(50), createdAt: CREATED_AT - 1, completedAt: CREATED_AT - 1 }),
    ];
    expect(report({ jobs }).credits).toMatchObject({ spentToday: 12 + 15 + 20, reserved: 20 });
  });
});

describe('the balance', () => {
  it('is low below the alert, and never when nobody reported it', () => {
    expect(report({ balance: 99 }).credits).toMatchObject({ lastKnownBalance: 99, low: true });
    expect(report({ balance: 100 }).credits).toMatchObject({ lastKnownBalance: 100, low: false });
    expect(report({ balance: 0 }).credits).toMatchObject({ lastKnownBalance: 0, low: true });
  });
});

describe('how many pictures can be ordered', () => {
  const spentIn = (count: number, exact: number | null, state: Job['state'] = 'saved'): Job[] =>
    Array.from({ length: count }, (_, n) =>
      sent({ id: `j${n}`, state, credits: { min: 10, max: 20, exact }, completedAt: NOW }),
    );

  it.each<[string, ReturnType<typeof report>, object, object]>([
    [
      'what is spent and reserved of the budget',
      report({ jobs: [...spentIn(30, 20), ...spentIn(1, null, 'processing').map((job) => ({ ...job, id: 'open' }))] }),
      { standard: 19, large: 7, limitedBy: 'budget_per_day' },
      { standard: 19, large: 7, limitedBy: 'budget_per_day' },
    ],
    [
      'the pictures per day of the user',
      report({ jobs: spentIn(3, 10) }, { maxImagesPerDay: 10 }),
      { standard: 7, large: 7, limitedBy: 'images_today' },
      { standard: 7, large: 7, limitedBy: 'images_today' },
    ],
    [
      "the plan's jobs per day",
      report({ jobs: spentIn(95, 1) }, { maxImagesPerDay: 1_000 }),
      { standard: 5, large: 5, limitedBy: 'daily' },
      { standard: 5, large: 5, limitedBy: 'daily' },
    ],
    [
      'the price of one call, which leaves more for several calls',
      report({}, { maxCreditsPerCall: 40 }),
      { standard: 2, large: 0, limitedBy: 'max_per_call' },
      { standard: 50, large: 20, limitedBy: 'budget_per_day' },
    ],
    [
      'the last known balance, less what is reserved',
      report({ balance: 100, jobs: spentIn(1, null, 'processing') }),
      { standard: 4, large: 1, limitedBy: 'last_known_balance' },
      { standard: 4, large: 1, limitedBy: 'last_known_balance' },
    ],
    [
      'a pause that is longer than anybody waits',
      report({ window: { pausedUntil: NOW + 600_000 } }),
      { standard: 0, large: 0, limitedBy: 'requests' },
      { standard: 0, large: 0, limitedBy: 'requests' },
    ],
  ])('is limited by %s', (_, { canOrder, canOrderToday }, now, today) => {
    expect([canOrder, canOrderToday]).toEqual([now, today]);
  });

  it('is none with a balance of nothing, and never less than none', () => {
    expect(report({ balance: 0 }).canOrder).toEqual({ standard: 0, large: 0, limitedBy: 'last_known_balance' });
    expect(report({ balance: 15, jobs: spentIn(2, null, 'processing') }).canOrder.standard).toBe(0);
    expect(report({ jobs: spentIn(9, 20) }, { maxCreditsPerDay: 100 }).canOrder).toMatchObject({
      standard: 0,
      large: 0,
    });
  });

  it('is not limited by a pause that orders wait for by themselves', () => {
    expect(report({ window: { pausedUntil: NOW + 60_000 } }).canOrder.standard).toBe(25);
  });

  it('is exactly what an order is admitted for', async () => {
    bench = createBench({ maxCreditsPerDay: 130, maxCreditsPerCall: 130, confirmAboveCredits: 1_000, plan: 'pro' });
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    const { standard, limitedBy } = (await bench.jobs.limits()).canOrder;
    expect([standard, limitedBy]).toEqual([5, 'budget_per_day']);
    const entries = (count: number, prompt: string) =>
      Array.from({ length: count }, () => ({ request: { ...REQUEST, prompt } }));
    await expect(bench.orderAll(entries(standard + 1, 'more'))).rejects.toMatchObject({
      failure: { kind: 'over_budget' },
    });
    expect(await bench.orderAll(entries(standard, 'as many'))).toHaveLength(5);
  });
});

describe('the plan', () => {
  it('is known once it was reported or set, and assumed before', async () => {
    bench = createBench();
    expect(await bench.jobs.limits()).toMatchObject({ plan: 'free', planKnown: false });
    await bench.limits.learn({ window: { limit: 60, remaining: 59, resetsAt: bench.clock.now() + 60_000 } });
    expect(await bench.jobs.limits()).toMatchObject({ plan: 'pro', planKnown: true });
    await bench.jobs.close();
    bench = createBench({ plan: 'starter' });
    expect(await bench.jobs.limits()).toMatchObject({ plan: 'starter', planKnown: true });
  });
});

describe('limits()', () => {
  it('answers from what is known and asks nobody', async () => {
    bench = createBench({ plan: 'starter' });
    await bench.order(REQUEST);
    await bench.clock.advance(1_500);
    await bench.limits.learn({ balance: 480 });
    const asked = bench.provider.reads.length;
    expect(await bench.jobs.limits()).toMatchObject({
      plan: 'starter',
      requests: { limit: 30, remaining: 28 },
      concurrent: { limit: 3, inUse: 0 },
      daily: { limit: 1_000, used: 1 },
      credits: { spentToday: 12, reserved: 0, lastKnownBalance: 480, low: false },
    });
    expect(bench.provider.reads).toHaveLength(asked);
    expect(bench.provider.refreshed).toBe(0);
  });

  it('asks for fresh headers when it is told to, and says why it could not', async () => {
    bench = createBench({ plan: 'starter' });
    const signal = new AbortController().signal;
    await bench.jobs.limits(signal);
    expect(bench.provider.refreshed).toBe(1);
    bench.provider.refresh = () => Promise.reject(thrown({ kind: 'unreachable', creditsSpent: 'no' }));
    await expect(bench.jobs.limits(signal)).rejects.toMatchObject({ failure: { kind: 'unreachable' } });
  });

  it('shows what is reserved while a job runs', async () => {
    bench = createBench({ plan: 'starter' });
    bench.provider.submissions = ['stall'];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect(await bench.jobs.limits()).toMatchObject({
      concurrent: { inUse: 1 },
      credits: { spentToday: 0, reserved: 20 },
    });
  });

  it('warns of a low balance only', async () => {
    bench = createBench({ lowCreditsAlert: 50 });
    expect(await bench.jobs.lowBalance()).toBeUndefined();
    await bench.limits.learn({ balance: 50 });
    expect(await bench.jobs.lowBalance()).toBeUndefined();
    await bench.limits.learn({ balance: 49 });
    expect(await bench.jobs.lowBalance()).toBe(49);
  });
});
