/**
 * Two servers with the number 1, each in a PID namespace of its own as in two containers, over one state folder: they
 * order the same and other pictures at the same time and are killed in turn, first under different host names, then
 * under one.
 */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { isAllowed, type Server } from './server.ts';
import { type Context, type Counts, type Mode, Trial } from './trial.ts';

const RACES = 10;
const EQUAL_IN_A_RACE = 8;
const ROUNDS = 6;
const EQUAL = 4;
const OWN = 3;
/** An order takes some tenths of a second from the call to the answer of the service. */
const KILLED_WITHIN_MS = 500;
/** Silence is known after 15 s; the rest is for a machine that has other things to do. */
const WITHIN_MS = 60_000;

export const UNSHARE = 'unshare';
export const mayUnshare = (): boolean => isAllowed(UNSHARE, '--pid', '--fork', '--mount-proc', '--uts', 'true');

/** What starts a server as the first process of a PID namespace, on a machine of that name. */
export const asFirstProcess = (hostName: string): string[] => [
  ...[UNSHARE, '--pid', '--fork', '--mount-proc', '--uts', '--'],
  ...['sh', '-c', `hostname ${hostName} && exec "$@"`, 'sh'],
];

export const namespaces: Mode = { name: 'namespaces', run };

async function run({ seed, dice, say }: Context): Promise<Counts[] | { skipped: string }> {
  if (!mayUnshare()) return { skipped: 'this machine or user may not make PID namespaces' };
  const trial = await Trial.start({
    sandbox: { jobDurationMs: 500, seed: String(seed) },
    witness: { withoutRateHeaders: true },
  });
  const slowest: number[] = [];
  const numbers = new Set<number>();

  const start = async (hostName: string): Promise<Server> => {
    const server = await trial.serve({ within: asFirstProcess(hostName) });
    numbers.add(server.innerPid());
    return server;
  };

  const race = async (name: string, servers: readonly Server[]): Promise<void> => {
    const prompts = Array.from({ length: EQUAL_IN_A_RACE }, (_, at) => `${name}, picture ${at + 1}`);
    await Promise.all(
      servers.flatMap((server) => prompts.map((prompt) => trial.orderUntilSaved(() => server, [prompt], WITHIN_MS))),
    );
  };

  /** One of the two is killed amid the orders of both, and begun again as its host would. */
  const round = async (
    name: string,
    hostNames: readonly string[],
    servers: Server[],
    killed: number,
  ): Promise<void> => {
    const begun = performance.now();
    let again: Promise<Server> | undefined;
    const serverOf = (at: number) => (at === killed && again !== undefined ? again : (servers[at] as Server));
    const calls = servers.flatMap((_, at) => {
      const equal = Array.from({ length: EQUAL }, (_value, number) => `${name}, both, picture ${number + 1}`);
      const own = Array.from({ length: OWN }, (_value, number) => `${name}, server ${at}, picture ${number + 1}`);
      return [...equal, ...own].map((prompt) => trial.orderUntilSaved(() => serverOf(at), [prompt], WITHIN_MS));
    });
    await sleepFor(dice.roll() * KILLED_WITHIN_MS);
    const victim = servers[killed];
    again = Promise.resolve(victim?.kill()).then(() => start(hostNames[killed] ?? ''));
    servers[killed] = await again;
    await Promise.all(calls);
    slowest.push(performance.now() - begun);
  };

  for (const hostNames of [
    ['here', 'there'],
    ['twin', 'twin'],
  ]) {
    const servers = await Promise.all(hostNames.map(start));
    for (let number = 1; number <= RACES / 2; number += 1) await race(`${hostNames}: race ${number}`, servers);
    say(`host names ${hostNames}: raced`);
    for (let number = 1; number <= ROUNDS / 2; number += 1)
      await round(`${hostNames}: round ${number}`, hostNames, servers, number % 2);
    for (const server of servers) await server.close();
    say(`host names ${hostNames}: killed`);
  }
  if (numbers.size !== 1) trial.problems.push(`the servers had the numbers ${[...numbers]}`);
  trial.notes.push(
    `process number ${[...numbers]} for all; after a kill all pictures were there within ${(Math.max(...slowest) / 1_000).toFixed(1)} s`,
  );
  return [await trial.account()];
}
