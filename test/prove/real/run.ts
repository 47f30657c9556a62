/**
 * `npm run prove:real`: built servers as hosts start them, over one state folder, while processes, disks and replies
 * fail for real; prints what was charged, lost and said. `-- --mode NAME` runs one of them, `-- --seed N` repeats the
 * choices; what a kill or a stop hits is decided by the machine.
 */
import { parseArgs } from 'node:util';
import { createDice } from '../../crash/dice.ts';
import { descriptors } from './descriptors.ts';
import { disks } from './disks.ts';
import { kills } from './kills.ts';
import { lostReplies } from './lost-replies.ts';
import { namespaces } from './namespaces.ts';
import { owners } from './owners.ts';
import { stopped } from './stopped.ts';
import type { Counts, Mode } from './trial.ts';

const MODES: readonly Mode[] = [kills, namespaces, owners, stopped, lostReplies, disks, descriptors];

const { values } = parseArgs({ options: { seed: { type: 'string' }, mode: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
if (!Number.isSafeInteger(seed)) throw new Error(`--seed takes a whole number, not ${values.seed}`);
const chosen = MODES.filter(({ name }) => values.mode === undefined || name === values.mode);
if (chosen.length === 0) throw new Error(`--mode is one of: ${MODES.map(({ name }) => name).join(', ')}`);

/** Of one cause there are often as many as there are pictures. */
const SHOWN = 20;

const COLUMNS = ['intents', 'charges', 'paidTwice', 'lost', 'denied', 'overBudget'] as const;
const HEAD = ['intents', 'charges', 'paid twice', 'lost', 'denied', 'over budget', 'problems', 'seconds'];
const line = (name: string, cells: readonly (string | number)[]): string =>
  name.padEnd(22) + cells.map((cell) => String(cell).padStart(12)).join('');

console.log(`seed ${seed}`);
console.log(line('', HEAD));
let hasFailed = false;
for (const mode of chosen) {
  const begun = performance.now();
  const context = { seed, dice: createDice(seed), say: (text: string) => console.error(`  ${text}`) };
  const result = await mode.run(context);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  if ('skipped' in result) {
    console.log(`${mode.name.padEnd(22)}SKIPPED: ${result.skipped}`);
    continue;
  }
  const sum = (column: (typeof COLUMNS)[number]): number => result.reduce((all, counts) => all + counts[column], 0);
  const problems = result.flatMap((counts: Counts) => counts.problems);
  console.log(line(mode.name, [...COLUMNS.map(sum), problems.length, seconds]));
  for (const note of result.flatMap(({ notes }) => notes)) console.log(`  ${note}`);
  for (const problem of problems.slice(0, SHOWN)) console.log(`  PROBLEM  ${problem}`);
  if (problems.length > SHOWN) console.log(`  and ${problems.length - SHOWN} more`);
  hasFailed ||= problems.length > 0 || sum('paidTwice') + sum('lost') + sum('denied') + sum('overBudget') > 0;
}
console.log(hasFailed ? 'something did not hold' : 'nothing was lost, paid twice or denied');
process.exitCode = hasFailed ? 1 : 0;
