/**
 * Servers that are stopped (SIGSTOP) amid an order for longer than anybody waits, while another one repeats their calls
 * and orders more than the budget of the day pays for; then they go on. In the end each call is repeated once more, later
 * than a host with little patience would.
 */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDice, type Dice } from '../../crash/dice.ts';
import type { CaseResult, Mode, PlayOptions } from '../mode.ts';
import { type Server, until } from './server.ts';
import { Trial } from './trial.ts';

const ROUNDS = 3;
const STOPPED_IN_A_ROUND = 6;
const NEW_IN_A_ROUND = 8;
/** Twice as long as it takes until a process counts as gone. */
const STOPPED_MS = 30_000;
const WITHIN_MS = 90_000;
const PRICE = 10;
/** For fewer pictures than are wanted. */
const BUDGET = PRICE * 34;
/** As many changes as an order makes below the state folder until the service has it, and some of those afterwards. */
const CHANGES = 30;
const STOPS_WITHIN_MS = 300;
const REPEATED_AFTER_MS = 130_000;

const HOW = { 'before a change': 4, 'after a change': 2, 'at the service': 2, 'at any time': 2 } as const;
type How = keyof typeof HOW;

export const stopped: Mode = { name: 'stopped', play };

async function* play({ seed }: PlayOptions): AsyncGenerator<CaseResult> {
  const dice = createDice(seed);
  const name = `for ${STOPPED_MS / 1_000} s, with a budget for ${BUDGET / PRICE} pictures`;
  yield await Trial.play({ name, seed, budget: BUDGET }, (trial) => stopAndRepeat(trial, dice));
}

async function stopAndRepeat(trial: Trial, dice: Dice): Promise<void> {
  const env = { FLUX_MAX_CREDITS_PER_DAY: String(BUDGET) };
  const other = await trial.serve({ env });
  let firstSavedAt = Number.POSITIVE_INFINITY;
  const saved: string[] = [];
  const want = async (server: Server, prompt: string): Promise<void> => {
    const [job] = (await trial.orderUntilSaved(() => server, [prompt], WITHIN_MS)) ?? [];
    if (job?.file === undefined) return;
    firstSavedAt = Math.min(firstSavedAt, performance.now());
    if (!saved.includes(prompt)) saved.push(prompt);
  };
  const stops: How[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const prompts = Array.from({ length: STOPPED_IN_A_ROUND }, (_, at) => `round ${round}, stopped ${at + 1}`);
    const victims: Server[] = [];
    const calls: Promise<void>[] = [];
    for (const prompt of prompts) {
      const how = dice.weighted(HOW);
      const victim = await trial.serve({ env: { ...env, ...stopIn(how, dice) }, nodeArguments: PRELOAD });
      victims.push(victim);
      const stop = stopLater(how, victim, prompt, trial, dice);
      calls.push(want(victim, prompt));
      await stop;
      if (victim.isStopped()) stops.push(how);
    }
    const stoppedAt = performance.now();
    trial.note(`round ${round}: ${victims.filter((victim) => victim.isStopped()).length} are stopped`);
    calls.push(...prompts.map((prompt) => want(other, prompt)));
    for (let number = 1; number <= NEW_IN_A_ROUND; number += 1) {
      calls.push(want(other, `round ${round}, new ${number}`));
      await sleepFor(STOPPED_MS / NEW_IN_A_ROUND);
    }
    await sleepFor(Math.max(0, stoppedAt + STOPPED_MS - performance.now()));
    const goOn = (): void => {
      for (const victim of victims) victim.signal('SIGCONT');
    };
    goOn();
    // One that comes to its change only now does not stay there.
    const going = setInterval(goOn, 1_000);
    await Promise.all(calls).finally(() => clearInterval(going));
    for (const victim of victims) await victim.close();
  }
  await sleepFor(Math.max(0, firstSavedAt + REPEATED_AFTER_MS - performance.now()));
  // Nothing but what it finds keeps this one from ordering them all again.
  const late = await trial.serve();
  for (const prompt of saved) {
    const [job] = (await trial.orderUntilSaved(() => late, [prompt], WITHIN_MS)) ?? [];
    if (job?.file === undefined)
      trial.breach('no end', `a repetition has no picture: ${prompt}: ${job?.error?.message}`);
  }
  const counted = Object.keys(HOW).map((how) => `${how} ${stops.filter((one) => one === how).length}`);
  trial.note(`stopped ${counted.join(', ')}`);
  if (stops.length < (ROUNDS * STOPPED_IN_A_ROUND) / 2) trial.breach('no end', 'too few processes were stopped');
}

const PRELOAD = ['--import', fileURLToPath(new URL('./stop-at.mjs', import.meta.url))];

function stopIn(how: How, dice: Dice): Record<string, string> {
  if (how !== 'before a change' && how !== 'after a change') return {};
  return { STOP_AT: String(dice.between(1, CHANGES)), STOP_WHEN: how.split(' ', 1)[0] ?? '' };
}

/** Ends when it is stopped, or will not be any more: it has fewer changes to make, or its order is refused. */
async function stopLater(how: How, victim: Server, prompt: string, { service }: Trial, dice: Dice): Promise<void> {
  const isStopped = until('it is stopped', () => victim.isStopped(), 5_000).catch(() => undefined);
  // The service has the order whole, and answers somebody who does not read.
  if (how === 'at the service')
    service.onOrder = (ordered) => (ordered === prompt ? victim.signal('SIGSTOP') : undefined);
  if (how === 'at any time') {
    await sleepFor(dice.roll() * STOPS_WITHIN_MS);
    victim.signal('SIGSTOP');
  }
  await isStopped;
  service.onOrder = undefined;
}
