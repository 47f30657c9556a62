/** Proves that shown progress always grows and never claims the end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slotWaitSeconds, waitFraction } from '../../../src/polling/wait-progress.ts';

/** Milliseconds up to a day, as seconds. */
const seconds = fc.nat({ max: 86_400_000 }).map((ms) => ms / 1_000);

describe('placeWaitSeconds', () => {
  it('is what is left of the running job and a whole one for each order ahead, never nothing', () => {
    expect(slotWaitSeconds(0, 0)).toBe(20);
    expect(slotWaitSeconds(0, 12.4)).toBe(8);
    expect(slotWaitSeconds(0, 600)).toBe(5);
    expect(slotWaitSeconds(3, 12)).toBe(68);
  });
});

describe('waitFraction', () => {
  it('starts at nothing and is about half after 15 s', () => {
    expect(waitFraction(0)).toBe(0);
    expect(waitFraction(15)).toBe(0.5);
  });

  it('strictly increases and stays below 1', () => {
    fc.assert(
      fc.property(seconds, fc.integer({ min: 1, max: 60_000 }), (elapsed, moreMs) => {
        const before = waitFraction(elapsed);
        const after = waitFraction(elapsed + moreMs / 1_000);
        expect(after).toBeGreaterThan(before);
        expect(before).toBeGreaterThanOrEqual(0);
        expect(after).toBeLessThan(1);
      }),
    );
  });
});
