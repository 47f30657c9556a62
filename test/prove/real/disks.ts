/**
 * A disk that is full, or takes no writes, from the moment at which one of a few orders arrives at the service: with the
 * state on it, the pictures, or both; the server lives through it, or is killed meanwhile. Then the disk is back.
 */
import { join } from 'node:path';
import type { Dice } from '../../crash/dice.ts';
import { mountSmallDisk, type Trouble } from '../../crash/small-disk.ts';
import { type Context, type Counts, type Mode, Trial } from './trial.ts';

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

export const disks: Mode = { name: 'disks', run };

async function run({ seed, dice, say }: Context): Promise<Counts[] | { skipped: string }> {
  const probe = await mountSmallDisk('full');
  if (probe === undefined) return { skipped: 'this machine or user may not mount a disk' };
  await probe.unmount();
  const left = [...CASES];
  const results: Counts[] = [];
  const lane = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      results.push(await tryCase(one, seed, dice));
      say(`${nameOf(one)}: ${results.at(-1)?.problems.length} problems`);
    }
  };
  await Promise.all(Array.from({ length: CASES_AT_ONCE }, lane));
  return [...results, { ...NOTHING, notes: [`${CASES.length} cases of ${ORDERS + 2} pictures`] }];
}

const NOTHING: Counts = {
  ...{ intents: 0, charges: 0, paidTwice: 0, lost: 0, denied: 0, overBudget: 0 },
  ...{ problems: [], notes: [] },
};

const nameOf = ({ trouble, holds, isKilled }: Case): string =>
  `${trouble}, with ${holds}, ${isKilled ? 'killed' : 'alive'}`;

async function tryCase(one: Case, seed: number, dice: Dice): Promise<Counts> {
  const disk = await mountSmallDisk(one.trouble);
  if (disk === undefined) throw new Error('the disk could not be mounted again');
  const trial = await Trial.start(
    { sandbox: { jobDurationMs: 500, seed: String(seed) }, witness: { withoutRateHeaders: true } },
    {
      ...(one.holds !== 'pictures' && { stateDir: join(disk.folder, 'state') }),
      ...(one.holds !== 'state' && { outputDir: join(disk.folder, 'pictures') }),
    },
  );
  try {
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
    // A full disk has room for the few bytes by which a folder is tried, as soon as a picture did not fit.
    const mustRefuse = one.trouble === 'read-only' || one.holds !== 'pictures';
    if (
      mustRefuse &&
      (refused?.status !== 'refused' || (await trial.service.report()).charges.length !== charges.length)
    )
      trial.problems.push(`an order was not refused before it was sent: ${JSON.stringify(refused)}`);

    if (one.isKilled) await server.kill();
    await disk.goOn();
    if (one.isKilled) server = await trial.serve();
    await trial.orderUntilSaved(() => server, prompts, WITHIN_MS);
    await trial.orderUntilSaved(() => server, ['not while the disk takes nothing'], WITHIN_MS);
    const counts = await trial.account();
    return { ...counts, problems: counts.problems.map((problem) => `${nameOf(one)}: ${problem}`) };
  } finally {
    await disk.goOn();
    await disk.unmount();
  }
}
