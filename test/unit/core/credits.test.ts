/** Proves what a picture may cost by the price list. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { creditRange } from '../../../src/core/image-request.ts';

const sides = fc.integer({ min: 32, max: 256 }).map((eighth) => eighth * 8);

describe('creditRange', () => {
  it.each([
    [512, 512, { min: 10, max: 20 }],
    [1024, 1024, { min: 10, max: 20 }],
    [1032, 1024, { min: 10, max: 50 }],
    [2048, 2040, { min: 10, max: 50 }],
    [2048, 2048, { min: 30, max: 50 }],
  ])('of %d × %d pixels is %o', (width, height, range) => {
    expect(creditRange(width, height)).toEqual(range);
    expect(creditRange(height, width)).toEqual(range);
  });

  it('is a range within the price list whose top never falls with the size', () => {
    fc.assert(
      fc.property(sides, sides, sides, (width, height, more) => {
        const range = creditRange(width, height);
        expect(range.min).toBeGreaterThanOrEqual(10);
        expect(range.max).toBeLessThanOrEqual(50);
        expect(range.min).toBeLessThan(range.max);
        expect(creditRange(width, height + more).max).toBeGreaterThanOrEqual(range.max);
      }),
    );
  });
});
