/** Proves that durations are learnt from looks alone, that a change of the service is followed, and what is foretold. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Durations,
  durationKey,
  durationsSchema,
  emptyDurations,
  expectedMs,
  observations,
  outlook,
  quantileMs,
  unfinishedAt,
  withDuration,
} from '../../../src/core/durations.ts';
import { nextPollMs } from '../../../src/core/poll-plan.ts';

const PLENTY = { left: null, perWindow: null, windowMs: 60_000, refillMs: 0 };

/** Dice that fall the same way in every run. */
function dice(seed: number): () => number {
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

/** What is known after jobs that were only seen through looks every `everyMs`. */
function watched(count: number, medianMs: number, everyMs = 2_000, known = emptyDurations()): Durations {
  const random = dice(7);
  let belief = known;
  for (let n = 0; n < count; n += 1) {
    const looks = Math.ceil(drawn(random, medianMs) / everyMs);
    belief = withDuration(belief, { afterMs: (looks - 1) * everyMs, byMs: looks * everyMs });
  }
  return belief;
}

/** The same, with looks where the plan places them. @returns the belief, and the delay of each job's last look */
function planned(count: number, medianMs: number, known: Durations, seed: number) {
  const random = dice(seed);
  let belief = known;
  const delays: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const endsMs = drawn(random, medianMs);
    let seenMs = 0;
    let ageMs = 0;
    for (let look = 0; look < 200; look += 1) {
      const sinceMs = look === 0 ? Number.POSITIVE_INFINITY : 0;
      ageMs += nextPollMs([{ ageMs, seenMs, durations: belief }], PLENTY, sinceMs, random());
      if (ageMs >= endsMs) break;
      seenMs = ageMs;
    }
    delays.push(ageMs - endsMs);
    belief = withDuration(belief, { afterMs: seenMs, byMs: ageMs });
  }
  return { belief, delays };
}

describe('what is learnt', () => {
  it.each([3_000, 6_000, 12_000, 30_000, 90_000])('is the median of %i ms, from looks every 2 s', (medianMs) => {
    const known = watched(60, medianMs);
    expect(quantileMs(known, 0.5) / medianMs).toBeGreaterThan(0.85);
    expect(quantileMs(known, 0.5) / medianMs).toBeLessThan(1.18);
    expect(expectedMs(known) / medianMs).toBeGreaterThan(0.85);
    expect(expectedMs(known) / medianMs).toBeLessThan(1.35);
  });

  it.each([
    [12_000, 5_000],
    [6_000, 20_000],
    [20_000, 8_000],
  ])(
    'follows a service that takes %i ms and then %i ms, though it is only seen where the plan looks',
    (before, after) => {
      const { belief } = planned(60, before, watched(10, before), 3);
      const { belief: then, delays } = planned(80, after, belief, 5);
      expect(quantileMs(then, 0.25)).toBeLessThan(after * 1.25);
      expect(quantileMs(then, 0.75)).toBeGreaterThan(after * 0.8);
      const late = delays.slice(40).toSorted((a, b) => a - b);
      expect(late[Math.floor(late.length / 2)]).toBeLessThan(Math.max(2_500, after * 0.3));
    },
  );

  it('counts how much it rests on, and forgets in time', () => {
    expect(observations(emptyDurations())).toBe(0);
    expect(observations(watched(5, 12_000))).toBeGreaterThan(4.8);
    expect(observations(watched(2_000, 12_000))).toBeLessThan(151);
  });

  it('is kept apart by version, quality and price bracket', () => {
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

  it.each([
    [0, 5_652_191],
    [0, 1e8],
    [5e7, 1e8],
    [0, 0],
    [0, 1],
  ])('counts what was seen between %d and %d ms as one observation, in a bucket at the end', (afterMs, byMs) => {
    const known = withDuration(emptyDurations(), { afterMs, byMs });
    expect(durationsSchema.safeParse(known).success).toBe(true);
    expect(observations(known)).toBeCloseTo(1, 3);
  });

  it('stays well-formed whatever is seen', () => {
    const ages = fc.oneof(fc.double({ min: 0, max: 1e8, noNaN: true }), fc.nat(60_000));
    fc.assert(
      fc.property(fc.array(fc.tuple(ages, ages), { maxLength: 30 }), fc.array(ages), (seen, at) => {
        let known = emptyDurations();
        for (const [one, other] of seen)
          known = withDuration(known, { afterMs: Math.min(one, other), byMs: Math.max(one, other) });
        expect(durationsSchema.safeParse(JSON.parse(JSON.stringify(known))).success).toBe(true);
        expect(observations(known)).toBeCloseTo(
          seen.reduce((sum) => sum * (1 - 1 / 150) + 1, 0),
          1,
        );
        const parts = at.toSorted((a, b) => a - b).map((ageMs) => unfinishedAt(known, ageMs));
        for (const [index, part] of parts.entries()) {
          expect(part).toBeGreaterThan(0);
          expect(part).toBeLessThanOrEqual(parts[index - 1] ?? 1);
        }
      }),
    );
  });
});

describe('the outlook', () => {
  it('grows with the age, and never claims the end', () => {
    const beliefs = [undefined, emptyDurations(), watched(3, 12_000), watched(60, 12_000)];
    fc.assert(
      fc.property(
        fc.constantFrom(...beliefs),
        fc.nat(600_000),
        fc.integer({ min: 1, max: 600_000 }),
        (known, ageMs, more) => {
          const [now, later] = [outlook(known, ageMs), outlook(known, ageMs + more)];
          expect(later.fraction).toBeGreaterThan(now.fraction);
          expect(later.fraction).toBeLessThan(1);
          expect(now.fraction).toBeGreaterThanOrEqual(0);
          expect(now.leftMs).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('is about half of the way at the median, and tells what is left', () => {
    const known = watched(60, 12_000);
    expect(outlook(known, 12_000).fraction).toBeGreaterThan(0.3);
    expect(outlook(known, 12_000).fraction).toBeLessThan(0.65);
    expect(outlook(known, 2_000).leftMs).toBeGreaterThan(8_000);
    expect(outlook(known, 11_000).leftMs).toBeLessThan(6_000);
  });

  it('without anything known goes by what pictures usually take', () => {
    expect(outlook(undefined, 5_000)).toEqual({ fraction: 0.25, leftMs: 15_000 });
    expect(expectedMs(undefined)).toBe(20_000);
  });
});
