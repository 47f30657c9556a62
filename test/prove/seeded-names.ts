/** Random names of files and changes fall with a seed: they decide who of two writers in a queue goes first. */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { createDice } from '../crash/dice.ts';

/** Puts seeded bytes in the place of `randomBytes`, for all modules of this worker, until the work has ended. */
export async function withSeededNames<Value>(seed: number, work: () => Promise<Value>): Promise<Value> {
  const { randomBytes } = crypto;
  const dice = createDice(seed);
  const seeded = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => dice.between(0, 255)));
  const use = (one: unknown): void => {
    Object.assign(crypto, { randomBytes: one });
    syncBuiltinESMExports();
  };
  use(seeded);
  try {
    return await work();
  } finally {
    use(randomBytes);
  }
}
