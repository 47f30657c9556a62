/** The short form of `npm run prove`, of a process that stands still before each of its steps. */
import { describe, expect, it } from 'vitest';
import { stopAtEveryStep } from './stop-at-every-step.ts';

const CASES = 16;

/** Much computing: a limit only ends what hangs. */
const TIMEOUT_MS = 600_000;

describe('a process that stands still before any of its steps while others go on', { timeout: TIMEOUT_MS }, () => {
  it.each([1, 2, 3, 4, 5])(
    'loses no picture and has none paid for twice, and nothing waits for it (seed %i)',
    async (seed) => {
      let cases = 0;
      for await (const { name, breaches, trace, charges } of stopAtEveryStep.play({ seed, runs: CASES })) {
        cases += 1;
        expect(breaches, `${name}\n${trace.slice(-60).join('\n')}`).toEqual([]);
        // The others have ordered something, too.
        expect(charges, name).toBeGreaterThan(1);
      }
      expect(cases).toBeGreaterThanOrEqual(CASES);
    },
  );
});
