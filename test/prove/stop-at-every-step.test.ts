/** The short form of `npm run prove`, of a process that stands still before each of its steps. */
import { describe, expect, it } from 'vitest';
import { stopAtEveryStep } from './stop-at-every-step.ts';

const CASES = 60;

describe('a process that stands still before any of its steps while others go on', () => {
  it('neither loses a picture nor has one paid for twice, and nothing waits for it', async () => {
    let cases = 0;
    for await (const { name, seed, breaches, trace, charges } of stopAtEveryStep.play({ seed: 1, runs: CASES })) {
      cases += 1;
      expect(breaches, `${name} (seed ${seed})\n${trace.slice(-60).join('\n')}`).toEqual([]);
      // The others have ordered something, too.
      expect(charges, name).toBeGreaterThan(1);
    }
    expect(cases).toBeGreaterThanOrEqual(CASES);
  });
});
