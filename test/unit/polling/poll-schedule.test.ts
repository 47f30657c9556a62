/** Proves the rhythm of status requests and the bounds of its jitter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventsArrive, fallbackDelayMs, pollDelayMs } from '../../../src/polling/poll-schedule.ts';

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

describe('safetyNetDelayMs', () => {
  it('is 30 s at first and a minute from then on', () => {
    expect([1, 2, 3, 100].map((poll) => fallbackDelayMs(poll, 0.5))).toEqual([30_000, 60_000, 60_000, 60_000]);
  });

  it('is spread by 20 % to both sides, never more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), dice, (poll, random) => {
        const share = fallbackDelayMs(poll, random) / fallbackDelayMs(poll, 0.5);
        expect(share).toBeGreaterThanOrEqual(0.8 - 1e-6);
        expect(share).toBeLessThanOrEqual(1.2 + 1e-6);
      }),
    );
  });
});

describe('eventsArrive', () => {
  const NOW = 1_793_491_200_000;
  const HOUR = 60 * 60_000;

  it.each([
    ['none has ever come', undefined, undefined, false],
    ['one came just now', NOW, undefined, true],
    ['one came within three hours', NOW - 3 * HOUR, undefined, true],
    ['the last one came before', NOW - 3 * HOUR - 1, undefined, false],
    ['one came a moment ago by a clock that was set back since', NOW + HOUR, undefined, true],
    ['one is of a future that no clock explains', NOW + 4 * HOUR, undefined, false],
    ['one was missing since', NOW - HOUR, NOW - HOUR + 1, false],
    ['one was missing in the same moment', NOW - HOUR, NOW - HOUR, false],
    ['one came after another was missing', NOW - HOUR, NOW - HOUR - 1, true],
    ['one was missing and none has ever come', undefined, NOW, false],
  ])('when %s', (_, lastEventAt, missedAt, decision) => {
    expect(eventsArrive(NOW, lastEventAt, missedAt)).toBe(decision);
  });
});
