/** The short form of `npm run prove`, of a process whose disk fails at any of its operations. */
import { describe, expect, it } from 'vitest';
import { faultSweep } from './fault-sweep.ts';

const CASES = 25;

/** Much computing: a limit only ends what hangs. */
const TIMEOUT_MS = 600_000;

describe('a process whose disk fails at any operation', { timeout: TIMEOUT_MS }, () => {
  it.each([1, 2, 3, 4, 5])(
    'loses no picture, pays for none twice, never denies a charge, and leaves nothing reserved (seed %i)',
    async (seed) => {
      let cases = 0;
      let charges = 0;
      for await (const result of faultSweep.play({ seed, runs: CASES })) {
        cases += 1;
        charges += result.charges;
        expect(result.breaches, `${result.name}\n${result.trace.slice(-60).join('\n')}`).toEqual([]);
      }
      expect(cases).toBeGreaterThanOrEqual(CASES);
      // Else nothing was ordered.
      expect(charges).toBeGreaterThan(CASES / 2);
    },
  );

  it('refuses an order whose earlier reservation cannot be given back, with the reason of the disk', async () => {
    // Found by the long run: the equal order met that reservation again and again, and failed as if by a bug.
    const only = 'the first order in a fresh folder, EBUSY lasting before operation 74, killed';
    let cases = 0;
    for await (const { breaches, trace } of faultSweep.play({ seed: 78_696, only })) {
      cases += 1;
      expect(breaches).toEqual([]);
      expect(trace.join('\n')).toMatch(/is refused .* storage_failed/u);
    }
    expect(cases).toBe(1);
  });
});
