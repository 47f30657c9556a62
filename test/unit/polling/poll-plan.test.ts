/** When a job is polled: not before it can be finished, in even steps then, less often when requests are scarce. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  eventsArrive,
  fallbackDelayMs,
  type PolledState,
  leadsTo,
  pollDelayMs,
} from '../../../src/polling/poll-plan.ts';

const PLENTY = { left: 40, perWindow: 48, windowMs: 60_000, refillMs: 0 };
const left = (count: number) => ({ left: count, perWindow: 8, windowMs: 60_000, refillMs: 0 });

/** A hundred jobs, evenly between 9 and 16 s. */
const EVEN = Array.from({ length: 100 }, (_, n) => 9_000 + 70 * n);
/** A hundred jobs, evenly between 10 and 60 s. */
const WIDE = Array.from({ length: 100 }, (_, n) => 10_000 + 500 * n);

const FRESH: PolledState = { known: [], allowance: PLENTY, ageMs: 0, isSeen: false, followedMs: 0, random: 0 };
const delayMs = (state: Partial<PolledState>): number => pollDelayMs({ ...FRESH, ...state });
const stepMs = (state: Partial<PolledState>): number => delayMs({ known: EVEN, isSeen: true, ...state });

describe('the first poll of a job of a known kind', () => {
  it('comes when a quarter of such jobs are finished', () => {
    expect(delayMs({ known: EVEN })).toBe(9_000 + 70 * 25);
    expect(delayMs({ known: EVEN, ageMs: 4_000 })).toBe(5_000 + 70 * 25);
  });

  it('comes 3 s after the first ones are finished when durations differ much', () => {
    expect(delayMs({ known: WIDE })).toBe(10_000 + 500 * 5 + 3_000);
  });

  it('waits until most jobs are finished when requests are scarce', () => {
    expect(delayMs({ known: EVEN, allowance: left(1) })).toBe(9_000 + 70 * 85);
  });

  it('waits until a request is left', () => {
    expect(delayMs({ known: EVEN, allowance: { ...PLENTY, refillMs: 33_000 } })).toBe(33_000);
  });

  it('is put off by a twentieth at most, so that processes do not come at the same moment', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        const share = delayMs({ known: EVEN, random }) / delayMs({ known: EVEN });
        expect(share).toBeGreaterThanOrEqual(1);
        expect(share).toBeLessThanOrEqual(1.05);
      }),
    );
  });
});

describe('the next polls', () => {
  it('come in even steps as long as the job may finish at any moment', () => {
    expect([9_000, 12_000, 16_000, 20_000].map((ageMs) => Math.max(1_750, stepMs({ ageMs })))).toEqual(
      new Array(4).fill(1_750),
    );
  });

  it('come less and less often for a job that lasts longer than all before it, every 10 s in the end', () => {
    const steps = [30_000, 40_000, 60_000, 600_000].map((ageMs) => stepMs({ ageMs }));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps[0]).toBeGreaterThan(1_750);
    expect(steps.at(-1)).toBe(10_000);
  });

  it('come less often the fewer requests are left', () => {
    const steps = [8, 4, 3, 2, 1, 0].map((count) => stepMs({ ageMs: 15_000, allowance: left(count) }));
    expect(steps).toEqual([1_750, 1_750, 1_750 * (4 / 3), 3_500, 7_000, 14_000]);
  });

  it('lie between their bounds whatever is known', () => {
    const known = fc.array(fc.nat(1_800_000), { minLength: 5, maxLength: 100 });
    fc.assert(
      fc.property(known, fc.nat(60), (durations, count) => {
        const step = delayMs({ known: durations, isSeen: true, ageMs: 2e6, allowance: { ...PLENTY, left: count } });
        expect(step).toBeGreaterThanOrEqual(1_750);
        expect(step).toBeLessThanOrEqual(15_000);
      }),
    );
  });
});

describe('a job of a kind of which fewer than five are known', () => {
  it('is polled after 1.5 s, then after half as much more each time, every 10 s in the end', () => {
    const delays: number[] = [];
    for (let followedMs = 0; delays.length < 8; followedMs += delays.at(-1) ?? 0)
      delays.push(delayMs({ known: [1, 2, 3, 4], followedMs }));
    expect(delays).toEqual([1_500, 2_250, 3_375, 5_062.5, 7_593.75, 10_000, 10_000, 10_000]);
  });

  it('is polled less often when requests are scarce, within bounds', () => {
    expect(delayMs({ allowance: { ...PLENTY, left: null, perWindow: null } })).toBe(1_500);
    expect(delayMs({ allowance: left(2) })).toBe(3_000);
    expect(delayMs({ allowance: left(1), followedMs: 60_000 })).toBe(15_000);
  });
});

it('a job whose end an event will report is polled after 30 s, and every minute in the end', () => {
  expect([0, 30_000, 90_000].map(fallbackDelayMs)).toEqual([30_000, 60_000, 60_000]);
});

describe('events arrive', () => {
  const NOW = 1_793_491_200_000;
  const HOUR = 60 * 60_000;
  const NEVER = Number.NEGATIVE_INFINITY;

  it.each([
    ['none has ever come', NEVER, NEVER, false],
    ['one came just now', NOW, NEVER, true],
    ['one came within three hours', NOW - 3 * HOUR, NEVER, true],
    ['the last one came before', NOW - 3 * HOUR - 1, NEVER, false],
    ['one came a moment ago by a clock that was set back since', NOW + HOUR, NEVER, true],
    ['one is of a future that no clock explains', NOW + 4 * HOUR, NEVER, false],
    ['one was missing since', NOW - HOUR, NOW - HOUR + 1, false],
    ['one was missing in the same moment', NOW - HOUR, NOW - HOUR, false],
    ['one came after another was missing', NOW - HOUR, NOW - HOUR - 1, true],
    ['one was missing and none has ever come', NEVER, NOW, false],
  ])('or not when %s', (_, lastEventAt, missedAt, decision) => {
    expect(eventsArrive(NOW, lastEventAt, missedAt)).toBe(decision);
  });
});

const URL_SET = 'https://hooks.example.org/doitong';

describe('leadsTo', () => {
  it.each([
    [URL_SET, true],
    [`${URL_SET}?job=7`, true],
    ['https://hooks.example.org:443/doitong', true],
    ['https://hooks.example.org/other', false],
    ['https://hooks.example.org/doitong/', false],
    ['https://hooks.example.org:8443/doitong', false],
    ['http://hooks.example.org/doitong', false],
    ['of a damaged record', false],
    [undefined, false],
  ])('%j', (url, decision) => {
    expect(leadsTo(URL_SET, url)).toBe(decision);
    expect(leadsTo(undefined, url)).toBe(false);
  });
});
