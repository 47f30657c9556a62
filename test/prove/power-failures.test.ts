/** The short form of `npm run prove`, of a machine that loses power at any moment. */
import { describe, expect, it } from 'vitest';
import { powerFailures } from './power-failures.ts';

const CASES = 25;

/** Much computing: a limit only ends what hangs. */
const TIMEOUT_MS = 600_000;

describe('a machine that loses power at any moment', { timeout: TIMEOUT_MS }, () => {
  it.each([1, 2, 3, 4, 5])(
    'loses no picture and pays for none twice, whatever is left of the disk (seed %i)',
    async (seed) => {
      let cases = 0;
      let charges = 0;
      for await (const result of powerFailures.play({ seed, runs: CASES })) {
        cases += 1;
        charges += result.charges;
        expect(result.breaches, `${result.name}\n${result.trace.slice(-60).join('\n')}`).toEqual([]);
      }
      expect(cases).toBeGreaterThanOrEqual(CASES);
      // Else nothing was ordered.
      expect(charges).toBeGreaterThan(CASES / 2);
    },
  );
});
