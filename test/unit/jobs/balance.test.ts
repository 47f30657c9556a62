/** How long the last known balance counts, and how wrong times of a clock are taken. */
import { describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { checkBalance } from '../../../src/limits/budget.ts';

const NOW = 1_800_000_000_000;
const DAY_MS = 24 * 60 * 60_000;
const PRICE = { min: 10, max: 20, images: 1 };

function kindOf(balance: { credits: number; at: number } | undefined, accepted?: number): string | undefined {
  try {
    checkBalance(balance, PRICE, accepted, NOW);
    return undefined;
  } catch (error) {
    return error instanceof FluxError ? error.failure.kind : String(error);
  }
}

describe('a balance that cannot pay for the call', () => {
  it('refuses the call for a day after the service reported it', () => {
    expect(kindOf({ credits: 9, at: NOW })).toBe('no_credits');
    expect(kindOf({ credits: 9, at: NOW - DAY_MS })).toBe('no_credits');
  });

  it('counts no longer than a day: the account may have been topped up', () => {
    expect(kindOf({ credits: 9, at: NOW - DAY_MS - 1 })).toBeUndefined();
    expect(kindOf({ credits: 0, at: NOW - 30 * DAY_MS })).toBeUndefined();
  });

  it('does not count for ever when the clock was set back by more than a day', () => {
    expect(kindOf({ credits: 9, at: NOW + DAY_MS + 1 })).toBeUndefined();
  });

  it('gives way to a caller who accepts the whole price', () => {
    expect(kindOf({ credits: 9, at: NOW }, 20)).toBeUndefined();
    expect(kindOf({ credits: 9, at: NOW }, 19)).toBe('no_credits');
  });
});

describe('a balance that may pay for the call', () => {
  it('refuses nothing', () => {
    expect(kindOf({ credits: 10, at: NOW })).toBeUndefined();
    expect(kindOf(undefined)).toBeUndefined();
  });
});
