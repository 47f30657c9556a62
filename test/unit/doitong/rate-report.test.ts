/** Proves what is taken from an answer for later: the delay, the pause, the window, the balance. */
import { describe, expect, it } from 'vitest';
import type { ServiceAnswer } from '../../../src/core/reasons.ts';
import { rowDecision } from '../../../src/doitong/failures.ts';
import { rateReportOf, reportedDelay } from '../../../src/doitong/rate-headers.ts';

const NOW = 1_800_000_000_000;
const decision = (row: ServiceAnswer) => rowDecision(row, 'submit');

describe('the delay before the next try', () => {
  it('is what Retry-After says, whatever the refusal', () => {
    for (const row of ['rateLimited', 'serviceError', 'jobLimited'] as const)
      expect(reportedDelay(decision(row), { retryAfterMs: 7_000, resetsAt: NOW + 30_000 }, NOW)).toBe(7_000);
    expect(reportedDelay(decision('rateLimited'), { retryAfterMs: 0, resetsAt: NOW + 30_000 }, NOW)).toBe(0);
  });

  it('is the end of the window after a rate limit, and after nothing else', () => {
    expect(reportedDelay(decision('rateLimited'), { resetsAt: NOW + 30_000 }, NOW)).toBe(30_000);
    expect(reportedDelay(decision('serviceError'), { resetsAt: NOW + 30_000 }, NOW)).toBeUndefined();
    expect(reportedDelay(decision('jobLimited'), { resetsAt: NOW + 30_000 }, NOW)).toBeUndefined();
  });

  it('is not told by a reset that has passed: that is another clock', () => {
    expect(reportedDelay(decision('rateLimited'), { resetsAt: NOW }, NOW)).toBeUndefined();
    expect(reportedDelay(decision('rateLimited'), {}, NOW)).toBeUndefined();
  });
});

describe('what all learn from an answer', () => {
  it('is the window, as far as it was reported', () => {
    const window = { limit: 10, remaining: 3, resetsAt: NOW + 20_000 };
    expect(rateReportOf(decision('serviceError'), { ...window, retryAfterMs: 5 }, undefined, NOW)).toEqual({ window });
    expect(rateReportOf(decision('serviceError'), {}, undefined, NOW)).toEqual({ window: {} });
  });

  it('is a pause for as long as the delay, unless only jobs are limited', () => {
    expect(rateReportOf(decision('rateLimited'), {}, 7_000, NOW).pausedUntil).toBe(NOW + 7_000);
    expect(rateReportOf(decision('serviceError'), {}, 7_000, NOW).pausedUntil).toBe(NOW + 7_000);
    expect(rateReportOf(decision('jobLimited'), {}, 7_000, NOW).pausedUntil).toBeUndefined();
  });

  it('is the balance, when a refusal names it, nothing included', () => {
    const refusal = rowDecision('noCredits', 'submit', {
      errors: [{ message: 'no', said: 'no', creditsAvailable: 0 }],
    });
    expect(rateReportOf(refusal, {}, undefined, NOW).balance).toBe(0);
    expect(rateReportOf(decision('noCredits'), {}, undefined, NOW).balance).toBeUndefined();
  });
});
