/**
 * Two servers with the number 1, each in a PID namespace of its own as in two containers, over one state folder: they
 * order the same and other pictures at the same time and are killed in turn, first under different host names, then
 * under one.
 */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { createDice, type Dice } from '../../crash/dice.ts';
import { type CaseResult, type Mode, type PlayOptions, skipped } from '../mode.ts';
import { isAllowed, type Server } from './server.ts';
import { Trial } from './trial.ts';

/** Of each pair. */
const RACES = 5;
const EQUAL_IN_A_RACE = 8;
const ROUNDS = 3;
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

export const namespaces: Mode = { name: 'namespaces', play };

async function* play({ seed }: PlayOptions): AsyncGenerator<CaseResult> {
  if (!mayUnshare()) return yield skipped('this machine or user may not make PID namespaces');
  const dice = createDice(seed);
  for (const hostNames of [
    ['here', 'there'],
    ['twin', 'twin'],
  ])
    yield await Trial.play({ name: `on ${hostNames.join(' and ')}`, seed }, (trial) =>
      orderAndKill(trial, hostNames, dice),
    );
}

async function orderAndKill(trial: Trial, hostNames: readonly string[], dice: Dice): Promise<void> {
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
  const round = async (name: string, servers: Server[], killed: number): Promise<void> => {
    let again: Promise<Server> | undefined;
    const serverOf = (at: number) => (at === killed && again !== undefined ? again : (servers[at] as Server));
    const calls = servers.flatMap((_, at) => {
      const equal = Array.from({ length: EQUAL }, (_value, number) => `${name}, both, picture ${number + 1}`);
      const own = Array.from({ length: OWN }, (_value, number) => `${name}, server ${at}, picture ${number + 1}`);
      return [...equal, ...own].map((prompt) => trial.orderUntilSaved(() => serverOf(at), [prompt], WITHIN_MS));
    });
    await sleepFor(dice.roll() * KILLED_WITHIN_MS);
    const killedAt = performance.now();
    again = Promise.resolve(servers[killed]?.kill()).then(() => start(hostNames[killed] ?? ''));
    servers[killed] = await again;
    await Promise.all(calls);
    trial.note(`all pictures were there ${((performance.now() - killedAt) / 1_000).toFixed(1)} s after a kill`);
  };

  const servers = await Promise.all(hostNames.map(start));
  for (let number = 1; number <= RACES; number += 1) await race(`race ${number}`, servers);
  for (let number = 1; number <= ROUNDS; number += 1) await round(`round ${number}`, servers, number % 2);
  trial.note(`all servers had the process number ${[...numbers].join(' or ')}`);
  if (numbers.size !== 1) trial.breach('no end', 'the processes had different numbers');
}
