/** Proves the bounds of the back-off and what the retry budget affords. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs, fullRetryBudget, payRetry, RETRY_COST, refillRetries } from '../../../src/core/back-off.ts';

const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backOffMs', () => {
  it('doubles from half a second and stops at 20 s, the dice at their highest', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => backOffMs(attempt, 1))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000,
    ]);
  });

  it('is anywhere between nothing and the step', () => {
    expect(backOffMs(3, 0)).toBe(0);
    expect(backOffMs(3, 0.25)).toBe(500);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), dice, (attempt, random) => {
        const delayMs = backOffMs(attempt, random);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(20_000);
      }),
    );
  });
});

describe('the retry budget', () => {
  it('affords ten plain or five ambiguous retries in a row', () => {
    for (const [cost, expected] of [
      [RETRY_COST.plain, 10],
      [RETRY_COST.ambiguous, 5],
    ] as const) {
      let paid = 0;
      let budget = payRetry(fullRetryBudget(), cost);
      // A budget that never runs dry must fail here, not keep the test from ending.
      for (; budget !== undefined && paid < 100; budget = payRetry(budget, cost)) paid += 1;
      expect(paid).toBe(expected);
    }
  });

  it('gets one token back with every success, and never more than the bucket holds', () => {
    expect(refillRetries({ tokens: 3 })).toEqual({ tokens: 4 });
    expect(refillRetries(fullRetryBudget())).toEqual(fullRetryBudget());
  });
});
