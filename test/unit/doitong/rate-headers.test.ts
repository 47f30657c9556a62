/** Proves that every form of the rate headers is read, and that nonsense is not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockDifference, readRateHeaders } from '../../../src/doitong/rate-headers.ts';

/** 2027-01-15, 08:00:00 UTC. */
const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;

describe('X-RateLimit-Reset', () => {
  it.each([
    ['epoch seconds', '1800000030', NOW + 30_000],
    ['epoch seconds with a fraction', '1800000030.5', NOW + 30_500],
    ['epoch milliseconds', '1800000030000', NOW + 30_000],
    ['seconds from now', '30', NOW + 30_000],
    ['no seconds from now', '0', NOW],
    ['ISO date', '2027-01-15T08:00:30Z', NOW + 30_000],
    ['ISO date with an offset', '2027-01-15T09:00:30+01:00', NOW + 30_000],
    ['HTTP date', 'Fri, 15 Jan 2027 08:00:30 GMT', NOW + 30_000],
    ['ISO date without a zone, which is UTC then', '2027-01-15T08:00:30', NOW + 30_000],
    ['ISO date as some databases write it', '2027-01-15 08:00:30.250', NOW + 30_250],
    ['a window next to the figure', '30;w=60', NOW + 30_000],
  ])('reads %s', (_, header, at) => {
    expect(readRateHeaders({ 'x-ratelimit-reset': header }, NOW).resetsAt).toBe(at);
  });

  it.each(['', 'soon', '-5', '1e3', 'NaN', '12:30', '[object Object]'])('ignores %j', (header) => {
    expect(readRateHeaders({ 'x-ratelimit-reset': header }, NOW).resetsAt).toBeUndefined();
  });

  it('is never more than a day ahead', () => {
    expect(readRateHeaders({ 'x-ratelimit-reset': '9'.repeat(15) }, NOW).resetsAt).toBe(NOW + DAY_MS);
    expect(readRateHeaders({ 'x-ratelimit-reset': '3000-01-01T00:00:00Z' }, NOW).resetsAt).toBe(NOW + DAY_MS);
  });
});

describe('Retry-After', () => {
  it.each([
    ['seconds', '7', 7_000],
    ['a fraction', '0.5', 500],
    ['nothing to wait', '0', 0],
    ['HTTP date', 'Fri, 15 Jan 2027 08:00:09 GMT', 9_000],
    ['a date that has passed', 'Fri, 15 Jan 2027 07:00:00 GMT', 0],
    ['a year', '31536000', DAY_MS],
  ])('reads %s', (_, header, delayMs) => {
    expect(readRateHeaders({ 'retry-after': header }, NOW).retryAfterMs).toBe(delayMs);
  });

  it.each(['', '-1', 'later'])('ignores %j', (header) => {
    expect(readRateHeaders({ 'retry-after': header }, NOW).retryAfterMs).toBeUndefined();
  });
});

describe('clockDifference', () => {
  const dateOf = (at: number): string => new Date(at).toUTCString();

  it.each([
    ['the same time', 0, 0],
    ['the whole second that a Date has', -1_000, 0],
    ['ten minutes ahead', 600_000, 600_000],
    ['ten minutes behind', -600_000, -600_000],
    ['years behind', -1e11, -1e11],
  ])('of %s', (_, difference, ahead) => {
    expect(clockDifference(dateOf(NOW + difference), NOW)).toBe(ahead);
  });

  it.each([undefined, '', 'now', '1800000000', 'Fri, 99 Foo 2027'])('is none where it cannot be told: %j', (header) => {
    expect(clockDifference(header, NOW)).toBe(0);
  });
});

describe('a service with another clock', () => {
  const AHEAD = [600_000, -600_000, 40 * DAY_MS, -20 * 365 * DAY_MS];
  const forms = (there: number): [string, string][] => [
    ['epoch seconds', `${(there + 30_000) / 1_000}`],
    ['epoch milliseconds', `${there + 30_000}`],
    ['seconds from now', '30'],
    ['ISO date', new Date(there + 30_000).toISOString()],
    ['HTTP date', new Date(there + 30_000).toUTCString()],
  ];

  it.each(AHEAD.flatMap((ahead) => forms(NOW + ahead).map(([form, reset]) => [ahead, form, reset] as const)))(
    '%i ms ahead tells the reset as %s',
    (ahead, _, reset) => {
      const headers = { date: new Date(NOW + ahead).toUTCString(), 'x-ratelimit-reset': reset };
      expect(readRateHeaders(headers, NOW).resetsAt).toBe(NOW + 30_000);
    },
  );

  it.each(AHEAD)('%i ms ahead tells when to come back, as a date and in seconds', (ahead) => {
    const date = new Date(NOW + ahead).toUTCString();
    const later = new Date(NOW + ahead + 9_000).toUTCString();
    expect(readRateHeaders({ date, 'retry-after': later }, NOW).retryAfterMs).toBe(9_000);
    expect(readRateHeaders({ date, 'retry-after': '9' }, NOW).retryAfterMs).toBe(9_000);
    expect(
      readRateHeaders({ date, 'retry-after': new Date(NOW + ahead - 9_000).toUTCString() }, NOW).retryAfterMs,
    ).toBe(0);
  });

  it('that a machine on the way has written over is not believed where it makes no sense', () => {
    const headers = { date: 'Thu, 01 Jan 1970 00:00:00 GMT', 'x-ratelimit-reset': `${NOW / 1_000 + 30}` };
    expect(readRateHeaders(headers, NOW).resetsAt).toBe(NOW + 30_000);
    const retryAfter = new Date(NOW + 9_000).toUTCString();
    expect(readRateHeaders({ ...headers, 'retry-after': retryAfter }, NOW).retryAfterMs).toBe(9_000);
  });

  it('never silences us for longer than a day', () => {
    const date = new Date(NOW - 3 * DAY_MS).toUTCString();
    const far = new Date(NOW + 9 * DAY_MS).toUTCString();
    expect(readRateHeaders({ date, 'x-ratelimit-reset': far, 'retry-after': far }, NOW)).toEqual({
      resetsAt: NOW + DAY_MS,
      retryAfterMs: DAY_MS,
    });
  });
});

describe('readRateHeaders', () => {
  it('tells no limit of none, and nothing where nothing is said', () => {
    expect(readRateHeaders({ 'x-ratelimit-limit': '0', 'x-ratelimit-remaining': '0' }, NOW)).toEqual({ remaining: 0 });
    expect(readRateHeaders({ date: 'Fri, 15 Jan 2027 08:00:00 GMT' }, NOW)).toEqual({});
  });

  it('reads all of them together', () => {
    const headers = {
      'x-ratelimit-limit': '10',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '1800000030',
      'retry-after': '31',
    };
    expect(readRateHeaders(headers, NOW)).toEqual({
      limit: 10,
      remaining: 0,
      resetsAt: NOW + 30_000,
      retryAfterMs: 31_000,
    });
    expect(readRateHeaders({}, NOW)).toEqual({});
  });

  it('makes finite figures of anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const headers = { 'x-ratelimit-limit': text, 'x-ratelimit-reset': text, 'retry-after': text };
        for (const value of Object.values(readRateHeaders(headers, NOW))) expect(Number.isFinite(value)).toBe(true);
      }),
    );
  });
});
