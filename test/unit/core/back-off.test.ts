/** Proves the bounds of the back-off. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs } from '../../../src/core/primitives.ts';

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
