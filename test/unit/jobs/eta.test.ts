/** How far a job is grows with its age and never claims the end, whatever is known of such pictures. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eta } from '../../../src/jobs/image-jobs.ts';
import { expectedMs } from '../../../src/polling/durations.ts';

/** Sixty pictures, evenly between 6 and 18 s. */
const KNOWN = Array.from({ length: 60 }, (_, n) => 6_000 + 200 * n);

describe('the ETA', () => {
  it('grows with the age, and never claims the end', () => {
    const known = fc.constantFrom([], [9_000, 12_000, 15_000], KNOWN);
    fc.assert(
      fc.property(known, fc.nat(600_000), fc.integer({ min: 1, max: 600_000 }), (durations, ageMs, more) => {
        const [now, later] = [eta(durations, ageMs), eta(durations, ageMs + more)];
        expect(later.fraction).toBeGreaterThan(now.fraction);
        expect(later.fraction).toBeLessThan(1);
        expect(now.fraction).toBeGreaterThanOrEqual(0);
        expect(now.leftMs).toBeGreaterThan(0);
      }),
    );
  });

  it('is about half at the median, and says how much is left', () => {
    expect(eta(KNOWN, 12_000).fraction).toBeGreaterThan(0.3);
    expect(eta(KNOWN, 12_000).fraction).toBeLessThan(0.65);
    expect(eta(KNOWN, 2_000).leftMs).toBeGreaterThan(8_000);
    expect(eta(KNOWN, 11_000).leftMs).toBeLessThan(6_000);
  });

  it('goes by what pictures usually take as long as nothing is known', () => {
    expect(eta([], 5_000)).toEqual({ fraction: 0.25, leftMs: 15_000 });
    expect(expectedMs([])).toBe(20_000);
  });
});
