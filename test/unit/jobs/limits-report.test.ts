/** Proves the figures of the limits report, and that none is claimed that nobody told. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import { limitsReport } from '../../../src/jobs/limits-report.ts';
import { CREATED_AT, sampleJob } from '../core/sample-jobs.ts';
import { createBench, REQUEST } from './fakes.ts';

const NOW = CREATED_AT + 12 * 3_600_000;
type Input = Parameters<typeof limitsReport>[0];
const report = (input: Partial<Input> = {}) =>
  limitsReport({ configuredPlan: 'auto', window: {}, balance: undefined, jobs: [], now: NOW, ...input });
const sent = (patch: Partial<Job>): Job => sampleJob({ remoteId: 'dt', createdAt: NOW, ...patch });

describe('before anything was told', () => {
  it("the report is the free plan's table", () => {
    expect(report()).toEqual({
      plan: 'free',
      requests: { limit: 10, remaining: null, resetsAt: null, source: 'plan' },
      concurrent: { limit: 1, inUse: 0 },
      daily: { limit: 100, used: 0 },
      credits: { spentToday: 0, lastKnownBalance: null },
      nextRequestAt: NOW,
    });
  });

  it('the plan that was set counts', () => {
    expect(report({ configuredPlan: 'pro' })).toMatchObject({
      plan: 'pro',
      requests: { limit: 60, source: 'plan' },
      concurrent: { limit: 10 },
      daily: { limit: 10_000 },
    });
    expect(report({ configuredPlan: 'enterprise' })).toMatchObject({
      requests: { limit: null },
      daily: { limit: null },
    });
  });
});

describe('what the headers told', () => {
  const window = { limit: 30, remaining: 4, resetsAt: NOW + 20_000, learntAt: NOW };

  it('counts, and tells the plan as long as none was set', () => {
    expect(report({ window })).toMatchObject({
      plan: 'starter',
      requests: { limit: 30, remaining: 4, resetsAt: NOW + 20_000, source: 'headers' },
      concurrent: { limit: 3 },
      nextRequestAt: NOW,
    });
    expect(report({ window, configuredPlan: 'pro' })).toMatchObject({
      plan: 'pro',
      requests: { limit: 30 },
      concurrent: { limit: 10 },
    });
    expect(report({ window: { limit: 7 } })).toMatchObject({ plan: 'enterprise', requests: { limit: 7 } });
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
  it('are in use from the moment the service has them until it is done with them', () => {
    const states = ['submitting', 'processing', 'unknown', 'completed', 'saved', 'failed'] as const;
    const jobs = states.map((state) => sent({ id: state, state }));
    expect(report({ jobs }).concurrent.inUse).toBe(3);
  });

  it('count for the UTC day on which they were ordered, if they reached the service', () => {
    const midnight = CREATED_AT;
    const jobs = [
      sent({ id: 'a', createdAt: midnight }),
      sent({ id: 'b', createdAt: NOW, state: 'failed' }),
      sent({ id: 'c', createdAt: midnight - 1 }),
      sampleJob({ id: 'd', state: 'failed', createdAt: NOW }),
    ];
    expect(report({ jobs }).daily.used).toBe(2);
  });

  it('add up to the credits that the service named today', () => {
    const credits = (exact: number | null) => ({ min: 10, max: 20, exact });
    const jobs = [
      sent({ id: 'a', credits: credits(12) }),
      sent({ id: 'b', credits: credits(15) }),
      sent({ id: 'c', credits: credits(null) }),
      sent({ id: 'd', credits: credits(50), createdAt: CREATED_AT - 1 }),
    ];
    expect(report({ jobs, balance: 0 }).credits).toEqual({ spentToday: 27, lastKnownBalance: 0 });
  });
});

describe('limits()', () => {
  it('answers from what is known and asks nobody', async () => {
    const bench = createBench({ plan: 'starter' });
    bench.provider.balance = { credits: 480, at: 0 };
    await bench.jobs.order(REQUEST);
    await bench.clock.advance(1_500);
    const asked = bench.provider.reads.length;
    expect(await bench.jobs.limits()).toMatchObject({
      plan: 'starter',
      concurrent: { limit: 3, inUse: 0 },
      daily: { limit: 1_000, used: 1 },
      credits: { spentToday: 12, lastKnownBalance: 480 },
    });
    expect(bench.provider.reads).toHaveLength(asked);
    await bench.jobs.close();
  });
});
