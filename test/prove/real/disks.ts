/**
 * A disk that is full, or takes no writes, from the moment at which one of a few orders arrives at the service: with the
 * state on it, the pictures, or both; the server lives through it, or is killed meanwhile. Then the disk is back.
 */
import { join } from 'node:path';
import { createDice, type Dice } from '../../crash/dice.ts';
import { mountSmallDisk, type SmallDisk, type Trouble } from '../../crash/small-disk.ts';
import { type CaseResult, type Mode, type PlayOptions, skipped } from '../mode.ts';
import { Trial } from './trial.ts';

const ORDERS = 4;
const CASES_AT_ONCE = 3;
/** How long the first answer is waited for, and the one to a repetition, while the disk is in trouble. */
const WAIT_SECONDS = [6, 3] as const;
/** What could not be written is tried again after half a minute at the latest. */
const WITHIN_MS = 90_000;

type Case = { trouble: Trouble; holds: 'state' | 'pictures' | 'state and pictures'; isKilled: boolean };
const CASES: readonly Case[] = (['full', 'read-only'] as const).flatMap((trouble) =>
  (['state', 'pictures', 'state and pictures'] as const).flatMap((holds) =>
    [false, true].map((isKilled) => ({ trouble, holds, isKilled })),
  ),
);

export const disks: Mode = { name: 'disks', play };

async function* play({ seed }: PlayOptions): AsyncGenerator<CaseResult> {
  const probe = await mountSmallDisk('full');
  if (probe === undefined) return yield skipped('this machine or user may not mount a disk');
  await probe.unmount();
  const dice = createDice(seed);
  for (let at = 0; at < CASES.length; at += CASES_AT_ONCE)
    yield* await Promise.all(CASES.slice(at, at + CASES_AT_ONCE).map((one) => playCase(one, seed, dice)));
}

const nameOf = ({ trouble, holds, isKilled }: Case): string =>
  `${trouble}, with ${holds}, ${isKilled ? 'killed' : 'alive'}`;

async function playCase(one: Case, seed: number, dice: Dice): Promise<CaseResult> {
  const disk = await mountSmallDisk(one.trouble);
  if (disk === undefined) throw new Error('the disk could not be mounted again');
  const folders = {
    ...(one.holds !== 'pictures' && { stateDir: join(disk.folder, 'state') }),
    ...(one.holds !== 'state' && { outputDir: join(disk.folder, 'pictures') }),
  };
  try {
    return await Trial.play({ name: nameOf(one), seed, folders }, (trial) => orderAmidTrouble(trial, one, disk, dice));
  } finally {
    await disk.goOn();
    await disk.unmount();
  }
}

async function orderAmidTrouble(trial: Trial, one: Case, disk: SmallDisk, dice: Dice): Promise<void> {
  let server = await trial.serve();
  await trial.orderUntilSaved(() => server, ['before'], WITHIN_MS);

  let arrived = 0;
  const stopsAt = dice.between(1, ORDERS);
  trial.service.onOrder = async () => {
    arrived += 1;
    if (arrived === stopsAt) await disk.stop();
  };
  const prompts = Array.from({ length: ORDERS }, (_, at) => `picture ${at + 1}`);
  await trial.order(server, prompts, WAIT_SECONDS[0]);
  trial.service.onOrder = undefined;
  await trial.order(server, prompts, WAIT_SECONDS[1]);
  const { charges } = await trial.service.report();
  const [refused] = await trial.order(server, ['not while the disk takes nothing'], WAIT_SECONDS[1]);
  const isSent = (await trial.service.report()).charges.length !== charges.length;
  // A full disk may have room for the few bytes by which a folder is tried: then a picture that did not fit is tried.
  if (isSent || refused?.status !== 'refused')
    trial.breach('no end', `an order was not refused before it was sent: ${JSON.stringify(refused)}`);

  if (one.isKilled) await server.kill();
  await disk.goOn();
  if (one.isKilled) server = await trial.serve();
  await trial.orderUntilSaved(() => server, prompts, WITHIN_MS);
  await trial.orderUntilSaved(() => server, ['not while the disk takes nothing'], WITHIN_MS);
  trial.note(`in trouble from order ${stopsAt} on`);
}
