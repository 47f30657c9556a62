/** Durations are known from polls alone, follow a service that changes, and foretell how long a job still takes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Durations,
  durationKey,
  durationsSchema,
  emptyDurations,
  eta,
  expectedMs,
  quantileMs,
  withDuration,
} from '../../../src/polling/durations.ts';
import { firstPollAgeMs, nextPollMs } from '../../../src/polling/poll-plan.ts';

const PLENTY = { left: null, perWindow: null, windowMs: 60_000, refillMs: 0 };

/** Pseudo-random numbers that are the same in every run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
function drawn(random: () => number, medianMs: number): number {
  const gaussian = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return medianMs * Math.exp(0.25 * gaussian);
}

/** What is known after jobs that were polled every 2 s. */
function polledEvenly(count: number, medianMs: number): Durations {
  const random = randomOf(7);
  let known = emptyDurations();
  for (let n = 0; n < count; n += 1) {
    const polls = Math.ceil(drawn(random, medianMs) / 2_000);
    known = withDuration(known, { afterMs: (polls - 1) * 2_000, byMs: polls * 2_000 });
  }
  return known;
}

/** The same for jobs that were polled as planned. @returns what is known then, and how late each end was noticed */
function polledAsPlanned(count: number, medianMs: number, before: Durations, seed: number) {
  const random = randomOf(seed);
  let known = before;
  const delaysMs: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const endsMs = drawn(random, medianMs);
    let seenMs = 0;
    let ageMs = firstPollAgeMs(known, PLENTY) ?? 1_500;
    while (ageMs < endsMs) {
      seenMs = ageMs;
      ageMs += nextPollMs(known, ageMs, PLENTY);
    }
    delaysMs.push(ageMs - endsMs);
    known = withDuration(known, { afterMs: seenMs, byMs: ageMs });
  }
  return { known, delaysMs };
}

describe('durations', () => {
  it.each([6_000, 12_000, 30_000, 90_000])('have the median of %i ms after polls every 2 s', (medianMs) => {
    const known = polledEvenly(60, medianMs);
    expect((quantileMs(known, 0.5) ?? 0) / medianMs).toBeGreaterThan(0.85);
    expect((quantileMs(known, 0.5) ?? 0) / medianMs).toBeLessThan(1.18);
    expect(expectedMs(known)).toBe(quantileMs(known, 0.5));
  });

  it.each([
    [12_000, 5_000],
    [6_000, 20_000],
    [20_000, 8_000],
  ])('follow a service that takes %i ms and then %i ms, polled only as planned', (before, after) => {
    const { known } = polledAsPlanned(60, before, polledEvenly(10, before), 3);
    const { known: then, delaysMs } = polledAsPlanned(150, after, known, 5);
    expect(quantileMs(then, 0.25)).toBeLessThan(after * 1.25);
    expect(quantileMs(then, 0.75)).toBeGreaterThan(after * 0.75);
    const late = delaysMs.slice(100).toSorted((a, b) => a - b);
    expect(late[Math.floor(late.length / 2)]).toBeLessThan(2_500);
  });

  it('do not drift upwards because the first poll came late', () => {
    let known: Durations = polledEvenly(20, 6_000);
    const usualMs = quantileMs(known, 0.5) ?? 0;
    for (let n = 0; n < 200; n += 1) known = withDuration(known, { afterMs: 0, byMs: 30_000 });
    expect(quantileMs(known, 0.5)).toBeLessThanOrEqual(usualMs);
  });

  it('are the last hundred', () => {
    expect(polledEvenly(250, 12_000).tookMs).toHaveLength(100);
  });

  it('are kept apart by version, quality and price bracket', () => {
    const request = { prompt: 'a fox', width: 1024, height: 1024 };
    const keys = [
      durationKey(request),
      durationKey({ ...request, version: 'flux-pro' }),
      durationKey({ ...request, quality: 'high' }),
      durationKey({ ...request, width: 2048, height: 2048 }),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(durationKey({ ...request, prompt: 'a hare', width: 512 })).toBe(keys[0]);
  });

  it('stay well-formed whatever is seen', () => {
    const ages = fc.oneof(fc.double({ min: 0, max: 1e8, noNaN: true }), fc.nat(60_000));
    fc.assert(
      fc.property(fc.array(fc.tuple(ages, ages), { maxLength: 130 }), (seen) => {
        let known = emptyDurations();
        for (const [one, other] of seen)
          known = withDuration(known, { afterMs: Math.min(one, other), byMs: Math.max(one, other) });
        expect(durationsSchema.safeParse(JSON.parse(JSON.stringify(known))).success).toBe(true);
        expect(known.tookMs).toHaveLength(Math.min(100, seen.length));
      }),
    );
  });
});

describe('the ETA', () => {
  it('grows with the age, and never claims the end', () => {
    const known = fc.constantFrom(undefined, emptyDurations(), polledEvenly(3, 12_000), polledEvenly(60, 12_000));
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
    const known = polledEvenly(60, 12_000);
    expect(eta(known, 12_000).fraction).toBeGreaterThan(0.3);
    expect(eta(known, 12_000).fraction).toBeLessThan(0.65);
    expect(eta(known, 2_000).leftMs).toBeGreaterThan(8_000);
    expect(eta(known, 11_000).leftMs).toBeLessThan(6_000);
  });

  it('goes by what pictures usually take as long as nothing is known', () => {
    expect(eta(undefined, 5_000)).toEqual({ fraction: 0.25, leftMs: 15_000 });
    expect(expectedMs(undefined)).toBe(20_000);
  });
});
