/** Proves when the next request may leave, and how answers change what is known of the window. */
import { describe, expect, it } from 'vitest';
import { learnWindow, nextRequestAt, pauseWindow } from '../../../src/limits/rate-state.ts';

const NOW = 1_800_000_000_000;

describe('nextRequestAt', () => {
  it('is now when nothing is known, or requests are left', () => {
    expect(nextRequestAt({}, NOW)).toBe(NOW);
    expect(nextRequestAt({ limit: 10, remaining: 1, resetsAt: NOW + 30_000 }, NOW)).toBe(NOW);
  });

  it('is the reset of an exhausted window, and now once that has passed', () => {
    expect(nextRequestAt({ remaining: 0, resetsAt: NOW + 30_000 }, NOW)).toBe(NOW + 30_000);
    expect(nextRequestAt({ remaining: 0, resetsAt: NOW - 1 }, NOW)).toBe(NOW);
  });

  it('does not believe a reset that is far ahead, but obeys a request for silence', () => {
    expect(nextRequestAt({ remaining: 0, resetsAt: NOW + 3_600_000 }, NOW)).toBe(NOW);
    expect(nextRequestAt({ remaining: 5, pausedUntil: NOW + 3_600_000 }, NOW)).toBe(NOW + 3_600_000);
  });

  it('is the later one of pause and reset', () => {
    expect(nextRequestAt({ remaining: 0, resetsAt: NOW + 9_000, pausedUntil: NOW + 5_000 }, NOW)).toBe(NOW + 9_000);
  });
});

describe('learnWindow', () => {
  it('takes what was reported and keeps the rest', () => {
    const window = learnWindow({ limit: 10, pausedUntil: 5 }, { remaining: 4, resetsAt: 7 });
    expect(window).toEqual({ limit: 10, pausedUntil: 5, remaining: 4, resetsAt: 7 });
  });

  it('stays as it is when nothing was reported', () => {
    const window = { limit: 10, remaining: 2 };
    expect(learnWindow(window, {})).toEqual(window);
  });

  it('keeps the lower count of one window, because answers overtake each other', () => {
    const first = learnWindow({}, { remaining: 3, resetsAt: NOW });
    expect(learnWindow(first, { remaining: 4, resetsAt: NOW }).remaining).toBe(3);
    expect(learnWindow(first, { remaining: 2, resetsAt: NOW }).remaining).toBe(2);
    expect(learnWindow(first, { remaining: 9, resetsAt: NOW + 60_000 }).remaining).toBe(9);
    expect(learnWindow(first, { limit: 10, resetsAt: NOW }).remaining).toBe(3);
  });

  it('takes a reset that wanders by a second or two for that of the same window', () => {
    const first = learnWindow({}, { remaining: 3, resetsAt: NOW });
    for (const drift of [-2_000, -900, 900, 2_000]) {
      const next = learnWindow(first, { remaining: 4, resetsAt: NOW + drift });
      expect(next).toEqual({ remaining: 3, resetsAt: NOW });
    }
    expect(learnWindow(first, { remaining: 4, resetsAt: NOW + 2_001 }).remaining).toBe(4);
  });

  it('takes a count without a reset as it is', () => {
    expect(learnWindow({ remaining: 3, resetsAt: NOW }, { remaining: 9 })).toEqual({ remaining: 9, resetsAt: NOW });
  });
});

describe('pauseWindow', () => {
  it('never shortens a silence that was asked for', () => {
    const paused = pauseWindow({}, NOW + 60_000);
    expect(paused).toEqual({ pausedUntil: NOW + 60_000 });
    expect(pauseWindow(paused, NOW + 1_000).pausedUntil).toBe(NOW + 60_000);
  });
});
