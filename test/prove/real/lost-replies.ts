/** Two servers order 300 pictures each while three in ten replies of the service never arrive. */
import { createDice } from '../../crash/dice.ts';
import type { Fault, FaultTarget } from '../../support/fault-server.ts';
import { type Context, type Counts, type Mode, Trial } from './trial.ts';

const ORDERS_EACH = 300;
const LOST = 0.3;
const SCRIPTED = 20_000;
const CALL_SIZES = [1, 1, 1, 5, 12] as const;
const CALLS_AT_ONCE = 12;
const WITHIN_MS = 170_000;

export const lostReplies: Mode = { name: 'lost replies', run };

async function run({ seed, dice }: Context): Promise<Counts[]> {
  const trial = await Trial.start({
    sandbox: { jobDurationMs: 400, seed: String(seed) },
    witness: { withoutRateHeaders: true },
  });
  for (const [at, target] of (['submit', 'status', 'introspection', 'picture'] satisfies FaultTarget[]).entries()) {
    const faults = createDice(seed + at);
    // The socket is cut when the service has done what it was asked for.
    const script = Array.from({ length: SCRIPTED }, (): Fault => (faults.chance(LOST) ? 'drop-after' : 'pass'));
    trial.service.script(script, target);
  }
  const latest = performance.now() + WITHIN_MS;
  const orderAll = async (name: string): Promise<void> => {
    const server = await trial.serve();
    const calls: string[][] = [];
    for (let number = 1; number <= ORDERS_EACH; ) {
      const size = Math.min(CALL_SIZES[dice.between(0, CALL_SIZES.length - 1)] ?? 1, ORDERS_EACH + 1 - number);
      calls.push(Array.from({ length: size }, (_, at) => `${name}: picture ${number + at}`));
      number += size;
    }
    const lane = async (): Promise<void> => {
      for (let call = calls.shift(); call !== undefined; call = calls.shift())
        await trial.orderUntilSaved(() => server, call, latest - performance.now());
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, lane));
  };
  await Promise.all(['one', 'two'].map(orderAll));
  const { arrivals } = await trial.service.report();
  trial.notes.push(`${arrivals.filter(({ prompt }) => prompt !== undefined).length} submissions`);
  return [await trial.account()];
}
