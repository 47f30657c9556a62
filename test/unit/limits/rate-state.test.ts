/** Proves that no span of the window sees more requests than the limit, and that what the service reported is obeyed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyRateState,
  permitsLeft,
  type RateState,
  REQUEST_WINDOW,
  rateStateAt,
  takePermit,
  withOrderPaid,
} from '../../../src/limits/rate-state.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const SPAN_MS = REQUEST_WINDOW.windowMs + REQUEST_WINDOW.slackMs;

function granted(rateState: RateState, limit: number | null, now: number): RateState {
  const decision = takePermit(rateState, limit, REQUEST_WINDOW, now);
  if (!decision.answer.granted) throw new Error(`wait until ${decision.answer.until - now} ms from now`);
  return decision.rateState;
}
/** After `count` permits at that moment. */
function used(count: number, limit: number | null = 10, at = NOW): RateState {
  let rateState = emptyRateState(at);
  for (let n = 0; n < count; n += 1) rateState = granted(rateState, limit, at);
  return rateState;
}
const ask = (rateState: RateState, limit: number | null, now: number) =>
  takePermit(rateState, limit, REQUEST_WINDOW, now);

describe('a permit', () => {
  it('is given up to the limit, and then when the first one has left the window', () => {
    const full = used(10);
    expect(ask(full, 10, NOW + 500)).toMatchObject({
      answer: { granted: false, until: NOW + SPAN_MS, reported: false },
    });
    expect(ask(full, 10, NOW + SPAN_MS - 1).answer.granted).toBe(false);
    expect(ask(full, 10, NOW + SPAN_MS).answer.granted).toBe(true);
  });

  it('is always given where no limit is known, and nothing is kept then', () => {
    const rateState = used(500, null);
    expect(rateState.permits).toEqual([]);
    expect(ask(rateState, null, NOW).answer.granted).toBe(true);
  });

  it('is kept no longer than it counts', () => {
    expect(granted(used(10), 10, NOW + SPAN_MS).permits).toEqual([NOW + SPAN_MS]);
  });

  it('counts at once when the limit becomes smaller', () => {
    expect(ask(used(10, 60), 10, NOW)).toMatchObject({ answer: { granted: false, until: NOW + SPAN_MS } });
    expect(ask(used(5, 60), 10, NOW).answer.granted).toBe(true);
  });

  it('is never one more than the limit in any span of the window, whenever requests are wanted', () => {
    const gaps = fc.array(fc.oneof(fc.nat(200), fc.nat(20_000), fc.constant(0)), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 12 }), fc.boolean(), (pauses, limit, obeys) => {
        let rateState = emptyRateState(NOW);
        let now = NOW;
        const given: number[] = [];
        for (const pause of pauses) {
          now += pause;
          let decision = ask(rateState, limit, now);
          if (!decision.answer.granted && obeys) {
            expect(decision.answer.until).toBeGreaterThan(now);
            now = decision.answer.until;
            decision = ask(rateState, limit, now);
            expect(decision.answer.granted).toBe(true);
          }
          if (!decision.answer.granted) continue;
          rateState = decision.rateState;
          given.push(now);
        }
        for (const [index, at] of given.entries()) {
          const next = given[index + limit];
          // Even if the first of them took the whole slack to arrive.
          if (next !== undefined) expect(next - at).toBeGreaterThanOrEqual(SPAN_MS);
        }
      }),
    );
  });

  it('is not withheld for long by a clock that is set back, and the limit holds in real time all the same', () => {
    const steps = fc.array(fc.tuple(fc.nat(15_000), fc.constantFrom(0, 0, 0, 0, 500, 5_000, HOUR)), { maxLength: 80 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 10 }), (history, limit) => {
        let rateState = emptyRateState(NOW);
        let real = NOW;
        let behind = 0;
        const given: number[] = [];
        for (const [pause, back] of history) {
          real += pause;
          behind += back;
          const decision = ask(rateState, limit, real - behind);
          if (decision.answer.granted) {
            rateState = decision.rateState;
            given.push(real);
          } else expect(decision.answer.until - (real - behind)).toBeLessThanOrEqual(SPAN_MS + 1_000);
        }
        for (const [index, at] of given.entries()) {
          const next = given[index + limit];
          if (next !== undefined) expect(next - at).toBeGreaterThanOrEqual(REQUEST_WINDOW.windowMs);
        }
      }),
    );
  });
});

describe('a clock that was set back', () => {
  it('by an hour blocks for no longer than a window', () => {
    const decision = ask(used(10), 10, NOW - HOUR);
    expect(decision).toMatchObject({ answer: { granted: false, until: NOW - HOUR + SPAN_MS, reported: false } });
  });

  it('takes pauses and windows along', () => {
    const rateState: RateState = {
      ...emptyRateState(NOW),
      window: { limit: 10, remaining: 0, resetsAt: NOW + 20_000, pausedUntil: NOW + 30_000 },
    };
    expect(rateStateAt(rateState, NOW - HOUR)).toEqual({
      permits: [],
      window: { limit: 10, remaining: 0, resetsAt: NOW - HOUR + 20_000, pausedUntil: NOW - HOUR + 30_000 },
      writtenAt: NOW - HOUR,
    });
    expect(ask(rateState, 10, NOW - HOUR)).toMatchObject({
      answer: { granted: false, until: NOW - HOUR + 30_000, reported: true },
    });
  });

  it('by less than a second is just the spread between processes', () => {
    const rateState = used(3);
    expect(rateStateAt(rateState, NOW - 1_000)).toBe(rateState);
  });
});

describe('what the service reported', () => {
  const reported = (window: RateState['window']): RateState => ({ ...emptyRateState(NOW), window });

  it('a pause is obeyed to its end, before anything that we count', () => {
    const paused = { ...used(10), window: { pausedUntil: NOW + HOUR } };
    expect(ask(paused, 10, NOW)).toMatchObject({ answer: { granted: false, until: NOW + HOUR, reported: true } });
    expect(ask(reported({ pausedUntil: NOW + 5_000 }), null, NOW + 5_000).answer.granted).toBe(true);
  });

  it('no requests left is obeyed to the end of the window, with a limit or without', () => {
    const empty = reported({ remaining: 0, resetsAt: NOW + 30_000 });
    for (const limit of [10, null]) {
      expect(ask(empty, limit, NOW)).toMatchObject({ answer: { granted: false, until: NOW + 30_000, reported: true } });
      expect(ask(empty, limit, NOW + 30_000).answer.granted).toBe(true);
    }
  });

  it('what is left is counted down by requests that are under way', () => {
    let rateState = reported({ remaining: 3, resetsAt: NOW + 30_000 });
    for (let n = 0; n < 3; n += 1) rateState = granted(rateState, null, NOW + n);
    expect(ask(rateState, null, NOW + 3)).toMatchObject({
      answer: { granted: false, until: NOW + 30_000, reported: true },
    });
    expect(granted(rateState, null, NOW + 30_000).window.remaining).toBe(0);
    expect(ask(granted(rateState, null, NOW + 30_000), null, NOW + 30_001).answer.granted).toBe(true);
  });

  it('a window that ends in an hour is a clock that differs', () => {
    expect(ask(reported({ remaining: 0, resetsAt: NOW + HOUR }), 10, NOW).answer.granted).toBe(true);
  });

  it('is never overrun, whatever is left and whoever asks', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.integer({ min: 1, max: 60 }), fc.nat(60_000), (remaining, limit, endsIn) => {
        let rateState = reported({ remaining, resetsAt: NOW + endsIn + 1 });
        let given = 0;
        for (let n = 0; n < 30; n += 1) {
          const decision = ask(rateState, limit, NOW + Math.floor((endsIn * n) / 30));
          if (!decision.answer.granted) continue;
          rateState = decision.rateState;
          given += 1;
        }
        expect(given).toBe(Math.min(30, remaining, limit));
      }),
    );
  });
});

describe('permitsLeft', () => {
  it('is the lower one of our own count and what was reported', () => {
    expect(permitsLeft(used(4), 10, REQUEST_WINDOW, NOW)).toBe(6);
    expect(permitsLeft(used(4), 10, REQUEST_WINDOW, NOW + SPAN_MS)).toBe(10);
    const window = { remaining: 3, resetsAt: NOW + 20_000 };
    expect(permitsLeft({ ...used(4), window }, 10, REQUEST_WINDOW, NOW)).toBe(3);
    expect(permitsLeft({ ...used(9), window }, 10, REQUEST_WINDOW, NOW)).toBe(1);
    expect(permitsLeft({ ...used(4), window }, 10, REQUEST_WINDOW, NOW + 20_000)).toBe(6);
  });

  it('is what was reported where no limit is known, and else nothing that anybody knows', () => {
    expect(permitsLeft(emptyRateState(NOW), null, REQUEST_WINDOW, NOW)).toBeNull();
    const window = { remaining: 3, resetsAt: NOW + 20_000 };
    expect(permitsLeft({ ...emptyRateState(NOW), window }, null, REQUEST_WINDOW, NOW)).toBe(3);
  });
});

describe('the balance', () => {
  const known: RateState = { ...emptyRateState(NOW), balance: { credits: 15, at: NOW } };

  it('pays for the orders that were made since, each once', () => {
    const order = { id: 'job_1', createdAt: NOW + 1 };
    const once = withOrderPaid(known, order, 6);
    expect(once.balance?.credits).toBe(9);
    expect(withOrderPaid(once, order, 6)).toBe(once);
    expect(withOrderPaid(once, { ...order, id: 'job_2' }, 6).balance?.credits).toBe(3);
    expect(withOrderPaid(known, { ...order, createdAt: NOW - 1 }, 6)).toBe(known);
  });

  it('that could not have paid for an order that was taken later is out of date', () => {
    expect(withOrderPaid(known, { id: 'job_1', createdAt: NOW + 1 }, 16).balance).toBeUndefined();
    const empty = emptyRateState(NOW);
    expect(withOrderPaid(empty, { id: 'job_1', createdAt: NOW }, 16)).toBe(empty);
  });
});
