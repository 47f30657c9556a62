/** Proves that every form of the rate headers is read, and that nonsense is not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRateHeaders, readReset, readRetryAfter } from '../../../src/doitong/rate-headers.ts';

/** 2027-01-15, 08:00:00 UTC. */
const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;

describe('readReset', () => {
  it.each([
    ['epoch seconds', '1800000030', NOW + 30_000],
    ['epoch seconds with a fraction', '1800000030.5', NOW + 30_500],
    ['epoch milliseconds', '1800000030000', NOW + 30_000],
    ['seconds from now', '30', NOW + 30_000],
    ['no seconds from now', '0', NOW],
    ['ISO date', '2027-01-15T08:00:30Z', NOW + 30_000],
    ['ISO date with an offset', '2027-01-15T09:00:30+01:00', NOW + 30_000],
    ['HTTP date', 'Fri, 15 Jan 2027 08:00:30 GMT', NOW + 30_000],
    ['a window beside the figure', '30;w=60', NOW + 30_000],
  ])('reads %s', (_, header, at) => {
    expect(readReset(header, NOW)).toBe(at);
  });

  it.each(['', 'soon', '-5', '1e3', 'NaN', '12:30', '[object Object]'])('ignores %j', (header) => {
    expect(readReset(header, NOW)).toBeUndefined();
  });

  it('is never more than a day ahead', () => {
    expect(readReset('9'.repeat(15), NOW)).toBe(NOW + DAY_MS);
    expect(readReset('3000-01-01T00:00:00Z', NOW)).toBe(NOW + DAY_MS);
  });
});

describe('readRetryAfter', () => {
  it.each([
    ['seconds', '7', 7_000],
    ['a fraction', '0.5', 500],
    ['nothing to wait', '0', 0],
    ['HTTP date', 'Fri, 15 Jan 2027 08:00:09 GMT', 9_000],
    ['a date that has passed', 'Fri, 15 Jan 2027 07:00:00 GMT', 0],
    ['a year', '31536000', DAY_MS],
  ])('reads %s', (_, header, delayMs) => {
    expect(readRetryAfter(header, NOW)).toBe(delayMs);
  });

  it.each([undefined, '', '-1', 'later'])('ignores %j', (header) => {
    expect(readRetryAfter(header, NOW)).toBeUndefined();
  });
});

describe('readRateHeaders', () => {
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
