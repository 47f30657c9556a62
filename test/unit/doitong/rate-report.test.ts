/** Proves what is taken from an answer for later: the delay, the pause, the window, the balance. */
import { describe, expect, it } from 'vitest';
import type { FailureRowName } from '../../../src/doitong/failure-table.ts';
import { rowVerdict } from '../../../src/doitong/failures.ts';
import { toldByService, toldDelay } from '../../../src/doitong/rate-report.ts';

const NOW = 1_800_000_000_000;
const verdict = (row: FailureRowName) => rowVerdict(row, 'submit');

describe('the delay before the next try', () => {
  it('is what Retry-After says, whatever the refusal', () => {
    for (const row of ['rateLimited', 'serviceError', 'jobLimited'] as const)
      expect(toldDelay(verdict(row), { retryAfterMs: 7_000, resetsAt: NOW + 30_000 }, NOW)).toBe(7_000);
    expect(toldDelay(verdict('rateLimited'), { retryAfterMs: 0, resetsAt: NOW + 30_000 }, NOW)).toBe(0);
  });

  it('is the end of the window after a rate limit, and after nothing else', () => {
    expect(toldDelay(verdict('rateLimited'), { resetsAt: NOW + 30_000 }, NOW)).toBe(30_000);
    expect(toldDelay(verdict('serviceError'), { resetsAt: NOW + 30_000 }, NOW)).toBeUndefined();
    expect(toldDelay(verdict('jobLimited'), { resetsAt: NOW + 30_000 }, NOW)).toBeUndefined();
  });

  it('is not told by a reset that has passed: that is another clock', () => {
    expect(toldDelay(verdict('rateLimited'), { resetsAt: NOW }, NOW)).toBeUndefined();
    expect(toldDelay(verdict('rateLimited'), {}, NOW)).toBeUndefined();
  });
});

describe('what all learn from an answer', () => {
  it('is the window, as far as it was told', () => {
    const window = { limit: 10, remaining: 3, resetsAt: NOW + 20_000 };
    expect(toldByService(verdict('serviceError'), { ...window, retryAfterMs: 5 }, undefined, NOW)).toEqual({ window });
    expect(toldByService(verdict('serviceError'), {}, undefined, NOW)).toEqual({ window: {} });
  });

  it('is a pause for as long as the delay, unless only jobs are limited', () => {
    expect(toldByService(verdict('rateLimited'), {}, 7_000, NOW).pausedUntil).toBe(NOW + 7_000);
    expect(toldByService(verdict('serviceError'), {}, 7_000, NOW).pausedUntil).toBe(NOW + 7_000);
    expect(toldByService(verdict('jobLimited'), {}, 7_000, NOW).pausedUntil).toBeUndefined();
  });

  it('is the balance, when a refusal names it, nothing included', () => {
    const refusal = rowVerdict('noCredits', 'submit', { errors: [{ message: 'no', creditsAvailable: 0 }] });
    expect(toldByService(refusal, {}, undefined, NOW).balance).toBe(0);
    expect(toldByService(verdict('noCredits'), {}, undefined, NOW).balance).toBeUndefined();
  });
});
