/** Proves that looks are placed where they pay: not too early, close together where it matters, rarer when they are dear. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Durations, emptyDurations, quantileMs, withDuration } from '../../../src/core/durations.ts';
import { nextPollMs, pricedDelayMs } from '../../../src/core/poll-plan.ts';

const PLENTY = { left: 40, perWindow: 48, windowMs: 60_000, refillMs: 0 };
const left = (count: number, refillMs = 0) => ({ left: count, perWindow: 8, windowMs: 60_000, refillMs });
const NEVER = Number.POSITIVE_INFINITY;

/** Thirty jobs between 9 and 16 s. */
const KNOWN: Durations = Array.from({ length: 30 }, (_, n) => 9_000 + 240 * n).reduce(
  (known, byMs) => withDuration(known, { afterMs: byMs - 500, byMs }),
  emptyDurations(),
);
const fresh = { ageMs: 0, seenMs: 0, durations: KNOWN };

describe('the first look', () => {
  it('waits until some of its kind are finished', () => {
    const atMs = nextPollMs([fresh], PLENTY, NEVER, 0.5);
    expect(atMs).toBeGreaterThan(quantileMs(KNOWN, 0.03));
    expect(atMs).toBeLessThan(quantileMs(KNOWN, 0.4));
  });

  it('is at once for a job whose time is over', () => {
    expect(nextPollMs([{ ...fresh, ageMs: 40_000 }], PLENTY, NEVER, 0.5)).toBe(0);
  });
});

describe('looks', () => {
  it('are close together while a job is likely to be finished, and go on at bounded intervals when it overstays', () => {
    let ageMs = nextPollMs([fresh], PLENTY, NEVER, 0.5);
    const gaps: number[] = [];
    while (ageMs < 300_000) {
      const gap = nextPollMs([{ ageMs, seenMs: ageMs, durations: KNOWN }], PLENTY, 0, 0.5);
      gaps.push(gap);
      ageMs += gap;
    }
    expect(Math.max(...gaps.slice(0, 3))).toBeLessThan(2_600);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000);
    expect(Math.min(...gaps)).toBeGreaterThan(1_400);
  });

  it('come no more often for ten jobs than for one, and no later than the most urgent of them needs', () => {
    const ten = Array.from({ length: 10 }, (_, n) => ({ ageMs: 1_000 * n, seenMs: 0, durations: KNOWN }));
    const atMs = nextPollMs(ten, PLENTY, NEVER, 0.5);
    expect(atMs).toBeLessThanOrEqual(nextPollMs([{ ...fresh, ageMs: 9_000 }], PLENTY, NEVER, 0.5) + 1_500);
    const seen = ten.map((job) => ({ ...job, ageMs: job.ageMs + 8_000, seenMs: job.ageMs + 8_000 }));
    expect(nextPollMs(seen, PLENTY, 0, 0.5)).toBeGreaterThan(1_400);
  });

  it('are further apart the fewer requests are left, and wait for the next one where none is', () => {
    const job = { ageMs: 12_000, seenMs: 12_000, durations: KNOWN };
    const gaps = [8, 4, 3, 2, 1].map((count) => nextPollMs([job], left(count), 0, 0.5));
    expect(gaps).toEqual(gaps.toSorted((a, b) => a - b));
    expect(gaps.at(-1)).toBeGreaterThan(4_000);
    expect(nextPollMs([job], left(0, 31_000), 0, 0.5)).toBeGreaterThanOrEqual(31_000);
  });

  it('are none without jobs', () => {
    expect(nextPollMs([], PLENTY, 0, 0.5)).toBe(Number.POSITIVE_INFINITY);
  });

  it('lie ahead and in reach, whatever is known and asked', () => {
    const ages = fc.nat(200_000);
    const jobs = fc.array(
      fc.tuple(ages, ages, fc.boolean()).map(([a, b, known]) => ({
        ageMs: Math.max(a, b),
        seenMs: Math.min(a, b),
        durations: known ? KNOWN : emptyDurations(),
      })),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(
        jobs,
        fc.nat(60),
        fc.nat(60_000),
        fc.nat(20_000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (some, count, refillMs, since, random) => {
          const allowance = { left: count, perWindow: 48, windowMs: 60_000, refillMs: count === 0 ? refillMs : 0 };
          const atMs = nextPollMs(some, allowance, since, random);
          expect(atMs).toBeGreaterThanOrEqual(0);
          expect(atMs).toBeLessThanOrEqual(10 * 60_000 * 1.05);
          // No two requests in the same moment, however urgent the jobs are.
          expect(since + atMs).toBeGreaterThan(1_400);
        },
      ),
    );
  });
});

it('a look that goes by no plan waits longer when requests are dear, within bounds', () => {
  expect(pricedDelayMs(2_000, PLENTY)).toBe(2_000);
  expect(pricedDelayMs(2_000, left(2))).toBe(4_000);
  expect(pricedDelayMs(10_000, left(1))).toBe(15_000);
  expect(pricedDelayMs(30_000, left(0))).toBe(30_000);
});
