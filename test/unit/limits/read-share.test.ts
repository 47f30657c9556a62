/** Proves that reads leave requests of every window to orders, and that each counted job costs a permit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyRateState,
  keptForOrders,
  learnCounting,
  type RateState,
  REQUEST_WINDOW,
  readAllowance,
  takePermit,
} from '../../../src/limits/rate-state.ts';

const NOW = 1_800_000_000_000;
const SPAN_MS = REQUEST_WINDOW.windowMs + REQUEST_WINDOW.slackMs;
const ask = (rateState: RateState, limit: number | null, options: { fields?: number; kept?: number }, now = NOW) =>
  takePermit(rateState, limit, REQUEST_WINDOW, now, options);

describe('what is kept for orders', () => {
  it.each([
    [10, 0, 1, 1],
    [10, 20, 1, 1],
    [30, 20, 3, 3],
    [60, 5, 10, 10],
    [60, 5, null, 12],
    [60, 40, null, 40],
    [60, 90, null, 59],
    [1, 5, 1, 0],
  ])('of %i requests with %i orders waiting and %s slots: %i', (limit, waiting, slots, kept) => {
    expect(keptForOrders(limit, waiting, slots)).toBe(kept);
  });

  it('is nothing where no limit is known', () => {
    expect(keptForOrders(null, 9, 3)).toBe(0);
  });

  it('is there for orders whatever reads want', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(80), fc.nat(20), (limit, reads, waiting) => {
        const kept = keptForOrders(limit, waiting, 3);
        let rateState = emptyRateState(NOW);
        for (let n = 0; n < reads; n += 1) {
          const decision = ask(rateState, limit, { kept });
          if (decision.answer.granted) rateState = decision.rateState;
        }
        for (let n = 0; n < kept; n += 1) {
          const decision = ask(rateState, limit, {});
          expect(decision.answer.granted).toBe(true);
          if (decision.answer.granted) rateState = decision.rateState;
        }
      }),
    );
  });

  it('is there by what the service reported, too', () => {
    const reported: RateState = { ...emptyRateState(NOW), window: { remaining: 3, resetsAt: NOW + 20_000 } };
    expect(ask(reported, 10, { kept: 2 }).answer.granted).toBe(true);
    expect(ask(reported, 10, { kept: 3 })).toMatchObject({
      answer: { granted: false, until: NOW + 20_000, reported: true },
    });
    expect(ask(reported, 10, {}).answer.granted).toBe(true);
  });
});

describe('the allowance of reads', () => {
  it('is what is left after that, and when more comes back', () => {
    let rateState = emptyRateState(NOW);
    expect(readAllowance(rateState, 10, REQUEST_WINDOW, 2, NOW)).toMatchObject({ left: 8, perWindow: 8, refillMs: 0 });
    for (let n = 0; n < 8; n += 1) {
      const decision = ask(rateState, 10, { kept: 2 }, NOW + n * 1_000);
      if (decision.answer.granted) rateState = decision.rateState;
    }
    expect(readAllowance(rateState, 10, REQUEST_WINDOW, 2, NOW + 8_000)).toMatchObject({
      left: 0,
      refillMs: SPAN_MS - 8_000,
    });
    expect(readAllowance(rateState, null, REQUEST_WINDOW, 0, NOW)).toMatchObject({ left: null, perWindow: null });
  });
});

describe('a service that counts every job of a request', () => {
  const window = { remaining: 20, resetsAt: NOW + 30_000 };
  const before: RateState = { ...emptyRateState(NOW), window };
  const reported = (remaining: number, resetsAt = window.resetsAt) => ({ remaining, resetsAt });

  it('shows by what is left, and then each job takes a permit', () => {
    const counting = learnCounting(before, 5, reported(16));
    expect(counting.countsFields).toBe(true);
    const decision = ask(counting, 30, { fields: 5 });
    expect(decision).toMatchObject({ answer: { granted: true }, rateState: { window: { remaining: 15 } } });
    expect(decision.rateState.permits).toHaveLength(5);
    expect(ask(decision.rateState, 10, { fields: 6 })).toMatchObject({ answer: { granted: false, reported: false } });
    expect(ask(decision.rateState, 10, { fields: 5 }).answer.granted).toBe(true);
  });

  it('is not seen where others may have used the key, the window is another one, or one job was asked for', () => {
    expect(learnCounting(before, 5, reported(18)).countsFields).toBeUndefined();
    expect(learnCounting(before, 5, reported(3, NOW + 90_000)).countsFields).toBeUndefined();
    expect(learnCounting(before, 1, reported(10)).countsFields).toBeUndefined();
    expect(learnCounting(emptyRateState(NOW), 5, reported(3))).toEqual(emptyRateState(NOW));
  });

  it('is forgotten when it counts requests after all', () => {
    const counting: RateState = { ...before, countsFields: true };
    expect(learnCounting(counting, 5, reported(24)).countsFields).toBeUndefined();
    expect(learnCounting(counting, 5, reported(20)).countsFields).toBe(true);
  });

  it('takes a request that is larger than the window for the whole of it', () => {
    const counting: RateState = { ...emptyRateState(NOW), countsFields: true };
    const decision = ask(counting, 10, { fields: 50, kept: 2 });
    expect(decision.answer.granted).toBe(true);
    expect(decision.rateState.permits).toHaveLength(8);
  });
});
