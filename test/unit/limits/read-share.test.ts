/** Proves that reads leave requests of every window to orders, and that each counted job costs a permit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptForOrders, readAllowance } from '../../../src/limits/read-share.ts';
import {
  emptyTraffic,
  learnCounting,
  REQUEST_WINDOW,
  type Traffic,
  takePermit,
} from '../../../src/limits/rate-state.ts';

const NOW = 1_800_000_000_000;
const SPAN_MS = REQUEST_WINDOW.windowMs + REQUEST_WINDOW.slackMs;
const ask = (traffic: Traffic, limit: number | null, terms: { fields?: number; kept?: number }, now = NOW) =>
  takePermit(traffic, limit, REQUEST_WINDOW, now, terms);

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
  ])('of %i requests with %i orders waiting and %s places: %i', (limit, waiting, places, kept) => {
    expect(keptForOrders(limit, waiting, places)).toBe(kept);
  });

  it('is nothing where no limit is known', () => {
    expect(keptForOrders(null, 9, 3)).toBe(0);
  });

  it('is there for orders whatever reads want', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(80), fc.nat(20), (limit, reads, waiting) => {
        const kept = keptForOrders(limit, waiting, 3);
        let traffic = emptyTraffic(NOW);
        for (let n = 0; n < reads; n += 1) {
          const verdict = ask(traffic, limit, { kept });
          if (verdict.type === 'granted') traffic = verdict.traffic;
        }
        for (let n = 0; n < kept; n += 1) {
          const verdict = ask(traffic, limit, {});
          expect(verdict.type).toBe('granted');
          if (verdict.type === 'granted') traffic = verdict.traffic;
        }
      }),
    );
  });

  it('is there by what the service told, too', () => {
    const told: Traffic = { ...emptyTraffic(NOW), window: { remaining: 3, resetsAt: NOW + 20_000 } };
    expect(ask(told, 10, { kept: 2 }).type).toBe('granted');
    expect(ask(told, 10, { kept: 3 })).toMatchObject({ type: 'wait', until: NOW + 20_000, told: true });
    expect(ask(told, 10, {}).type).toBe('granted');
  });
});

describe('the allowance of reads', () => {
  it('is what is left after that, and when more comes back', () => {
    let traffic = emptyTraffic(NOW);
    expect(readAllowance(traffic, 10, REQUEST_WINDOW, 2, NOW)).toMatchObject({ left: 8, perWindow: 8, refillMs: 0 });
    for (let n = 0; n < 8; n += 1) {
      const verdict = ask(traffic, 10, { kept: 2 }, NOW + n * 1_000);
      if (verdict.type === 'granted') traffic = verdict.traffic;
    }
    expect(readAllowance(traffic, 10, REQUEST_WINDOW, 2, NOW + 8_000)).toMatchObject({
      left: 0,
      refillMs: SPAN_MS - 8_000,
    });
    expect(readAllowance(traffic, null, REQUEST_WINDOW, 0, NOW)).toMatchObject({ left: null, perWindow: null });
  });
});

describe('a service that counts every job of a request', () => {
  const window = { remaining: 20, resetsAt: NOW + 30_000 };
  const before: Traffic = { ...emptyTraffic(NOW), window };
  const told = (remaining: number, resetsAt = window.resetsAt) => ({ remaining, resetsAt });

  it('shows by what is left, and then each job takes a permit', () => {
    const counting = learnCounting(before, 5, told(16));
    expect(counting.countsFields).toBe(true);
    const verdict = ask(counting, 30, { fields: 5 });
    expect(verdict).toMatchObject({ type: 'granted', traffic: { window: { remaining: 15 } } });
    expect(verdict.traffic.permits).toHaveLength(5);
    expect(ask(verdict.traffic, 10, { fields: 6 })).toMatchObject({ type: 'wait', told: false });
    expect(ask(verdict.traffic, 10, { fields: 5 }).type).toBe('granted');
  });

  it('is not seen where others may have used the key, the window is another one, or one job was asked for', () => {
    expect(learnCounting(before, 5, told(18)).countsFields).toBeUndefined();
    expect(learnCounting(before, 5, told(3, NOW + 90_000)).countsFields).toBeUndefined();
    expect(learnCounting(before, 1, told(10)).countsFields).toBeUndefined();
    expect(learnCounting(emptyTraffic(NOW), 5, told(3))).toEqual(emptyTraffic(NOW));
  });

  it('is forgotten when it counts requests after all', () => {
    const counting: Traffic = { ...before, countsFields: true };
    expect(learnCounting(counting, 5, told(24)).countsFields).toBeUndefined();
    expect(learnCounting(counting, 5, told(20)).countsFields).toBe(true);
  });

  it('takes a request that is larger than the window for the whole of it', () => {
    const counting: Traffic = { ...emptyTraffic(NOW), countsFields: true };
    const verdict = ask(counting, 10, { fields: 50, kept: 2 });
    expect(verdict.type).toBe('granted');
    expect(verdict.traffic.permits).toHaveLength(8);
  });
});
