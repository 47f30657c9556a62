/** When a job of a known kind is polled: not before it can be finished, in even steps then, less often when requests are scarce. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Durations } from '../../../src/polling/durations.ts';
import { firstPollAgeMs, nextPollMs, pricedDelayMs } from '../../../src/polling/poll-plan.ts';

const PLENTY = { left: 40, perWindow: 48, windowMs: 60_000, refillMs: 0 };
const left = (count: number) => ({ left: count, perWindow: 8, windowMs: 60_000, refillMs: 0 });

/** A hundred jobs, evenly between 9 and 16 s. */
const EVEN: Durations = { tookMs: Array.from({ length: 100 }, (_, n) => 9_000 + 70 * n) };
/** A hundred jobs, evenly between 10 and 60 s. */
const WIDE: Durations = { tookMs: Array.from({ length: 100 }, (_, n) => 10_000 + 500 * n) };

describe('the first poll', () => {
  it('comes when a quarter of such jobs are finished', () => {
    expect(firstPollAgeMs(EVEN, PLENTY)).toBe(9_000 + 70 * 25);
  });

  it('comes 3 s after the first ones are finished when durations differ much', () => {
    expect(firstPollAgeMs(WIDE, PLENTY)).toBe(10_000 + 500 * 5 + 3_000);
  });

  it('waits until most jobs are finished when requests are scarce', () => {
    expect(firstPollAgeMs(EVEN, left(1))).toBe(9_000 + 70 * 75);
  });

  it('is not planned before five jobs of the kind are known', () => {
    expect(firstPollAgeMs(undefined, PLENTY)).toBeUndefined();
    expect(firstPollAgeMs({ tookMs: [1, 2, 3, 4] }, PLENTY)).toBeUndefined();
    expect(firstPollAgeMs({ tookMs: [1, 2, 3, 4, 5] }, PLENTY)).toBe(2);
  });
});

describe('the step to the next poll', () => {
  it('is even as long as the job may finish at any moment', () => {
    expect([9_000, 12_000, 16_000, 20_000].map((ageMs) => nextPollMs(EVEN, ageMs, PLENTY))).toEqual(
      new Array(4).fill(1_750),
    );
  });

  it('grows for a job that lasts longer than all before it, to 10 s at most', () => {
    const steps = [30_000, 40_000, 60_000, 600_000].map((ageMs) => nextPollMs(EVEN, ageMs, PLENTY));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps[0]).toBeGreaterThan(1_750);
    expect(steps.at(-1)).toBe(10_000);
  });

  it('is longer the fewer requests are left', () => {
    const steps = [8, 4, 3, 2, 1].map((count) => nextPollMs(EVEN, 12_000, left(count)));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps[0]).toBe(1_750);
    expect(steps.at(-1)).toBe(7_000);
  });

  it('lies between its bounds whatever is known', () => {
    const known = fc.array(fc.nat(1_800_000), { maxLength: 100 }).map((tookMs) => ({ tookMs }));
    fc.assert(
      fc.property(known, fc.nat(2_000_000), fc.nat(60), (durations, ageMs, count) => {
        const stepMs = nextPollMs(durations, ageMs, { ...PLENTY, left: count });
        expect(stepMs).toBeGreaterThanOrEqual(1_750);
        expect(stepMs).toBeLessThanOrEqual(15_000);
      }),
    );
  });
});

it('a delay grows when requests are scarce, within bounds', () => {
  expect(pricedDelayMs(2_000, PLENTY)).toBe(2_000);
  expect(pricedDelayMs(2_000, { ...PLENTY, left: null, perWindow: null })).toBe(2_000);
  expect(pricedDelayMs(2_000, left(2))).toBe(4_000);
  expect(pricedDelayMs(10_000, left(1))).toBe(15_000);
  expect(pricedDelayMs(30_000, left(0))).toBe(30_000);
});
