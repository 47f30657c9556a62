/** The short form of `npm run prove`, of three processes in orders that seeds decide. */
import { describe, expect, it } from 'vitest';
import { playSchedule, seededSchedules } from './seeded-schedules.ts';

const CASES = 6;

/** Much computing: a limit only ends what hangs. */
const TIMEOUT_MS = 600_000;

describe('three processes in an order that a seed decides', { timeout: TIMEOUT_MS }, () => {
  it.each([1, 7, 13, 19])(
    'lose no picture, pay for none twice, and keep to budget, slots and books (seed %i)',
    async (seed) => {
      let charges = 0;
      for await (const { name, breaches, trace, ...result } of seededSchedules.play({ seed, runs: CASES })) {
        charges += result.charges;
        expect(breaches, `${name}\n${trace.slice(-60).join('\n')}`).toEqual([]);
      }
      // Else nothing was ordered.
      expect(charges).toBeGreaterThan(CASES);
    },
  );

  it('do the same again for the same seed', async () => {
    const { trace } = await playSchedule(7);
    expect((await playSchedule(7)).trace).toEqual(trace);
    expect((await playSchedule(8)).trace).not.toEqual(trace);
  });
});
