/** Proves the plans' limits and how a plan is told from the announced request limit. */
import { describe, expect, it } from 'vitest';
import { PLAN_LIMITS, PLANS } from '../../../src/limits/plan.ts';
import { planOf } from '../../../src/limits/rate-state.ts';

describe('the plans', () => {
  it('have the limits of the provider', () => {
    expect(PLAN_LIMITS).toEqual({
      free: { requestsPerMinute: 10, concurrentJobs: 1, jobsPerDay: 100 },
      starter: { requestsPerMinute: 30, concurrentJobs: 3, jobsPerDay: 1_000 },
      pro: { requestsPerMinute: 60, concurrentJobs: 10, jobsPerDay: 10_000 },
      enterprise: { requestsPerMinute: null, concurrentJobs: null, jobsPerDay: null },
    });
  });
});

describe('planOf', () => {
  it('is the plan that was set, else the one that the headers tell, else the smallest', () => {
    expect(planOf('starter', 60)).toBe('starter');
    expect(planOf('auto', 60)).toBe('pro');
    expect(planOf('auto', 7)).toBe('enterprise');
    expect(planOf('auto', undefined)).toBe('free');
  });

  it('finds each plan by its limit', () => {
    for (const plan of PLANS) {
      const limit = PLAN_LIMITS[plan].requestsPerMinute;
      if (limit !== null) expect(planOf('auto', limit)).toBe(plan);
    }
  });

  it('takes any other figure for a custom plan', () => {
    for (const limit of [0, 11, 61, 500]) expect(planOf('auto', limit)).toBe('enterprise');
  });
});
