/** Two servers order 300 pictures each while three in ten replies of the service never arrive. */
import { createDice } from '../../crash/dice.ts';
import type { Fault, FaultTarget } from '../../support/fault-server.ts';
import type { CaseResult, Mode, PlayOptions } from '../mode.ts';
import { Trial } from './trial.ts';

const ORDERS_EACH = 300;
const LOST = 0.3;
const SCRIPTED = 20_000;
/** Pictures of a call. */
const CALL_SIZES = { 1: 3, 5: 1, 12: 1 } as const;
const CALLS_AT_ONCE = 12;
const WITHIN_MS = 170_000;
const TARGETS: readonly FaultTarget[] = ['submit', 'status', 'introspection', 'picture'];

export const lostReplies: Mode = { name: 'lost replies', play };

async function* play({ seed }: PlayOptions): AsyncGenerator<CaseResult> {
  const dice = createDice(seed);
  yield await Trial.play({ name: 'two servers', seed }, async (trial) => {
    for (const target of TARGETS) {
      // The socket is cut when the service has done what it was asked for.
      const script = Array.from({ length: SCRIPTED }, (): Fault => (dice.chance(LOST) ? 'drop-after' : 'pass'));
      trial.service.script(script, target);
    }
    const latest = performance.now() + WITHIN_MS;
    const orderAll = async (name: string): Promise<void> => {
      const server = await trial.serve();
      const calls: string[][] = [];
      for (let number = 1; number <= ORDERS_EACH; ) {
        const size = Math.min(Number(dice.weighted(CALL_SIZES)), ORDERS_EACH + 1 - number);
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
    trial.note(`${arrivals.filter(({ prompt }) => prompt !== undefined).length} submissions`);
  });
}
