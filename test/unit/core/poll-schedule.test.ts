/** Proves the rhythm of status requests and the bounds of its jitter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pollDelayMs } from '../../../src/core/poll-schedule.ts';

const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('pollDelayMs', () => {
  it('starts at 1.5 s, grows by half each time and stops at 10 s', () => {
    const rounded = [1, 2, 3, 4, 5, 6, 7, 100].map((poll) => Math.round(pollDelayMs(poll, 0.5)));
    expect(rounded).toEqual([1_500, 2_250, 3_375, 5_063, 7_594, 10_000, 10_000, 10_000]);
  });

  it('is spread by 20 % to both sides, never more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), dice, (poll, random) => {
        const base = Math.min(10_000, 1_500 * 1.5 ** (poll - 1));
        const delayMs = pollDelayMs(poll, random);
        expect(delayMs).toBeGreaterThanOrEqual(base * 0.8 - 1e-6);
        expect(delayMs).toBeLessThanOrEqual(base * 1.2 + 1e-6);
      }),
    );
    expect(pollDelayMs(1, 0)).toBeCloseTo(1_200);
    expect(pollDelayMs(1, 0.999_999)).toBeCloseTo(1_800, 0);
  });
});
