/** `npm run test:crash`: the whole crash run; prints what it counted and fails when something was lost or paid twice. */
import { parseArgs } from 'node:util';
import { type CrashReport, KILLED_IN, runCrash } from './crash-run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    kills: { type: 'string', default: '200' },
    intents: { type: 'string', default: '1000' },
    'no-key': { type: 'boolean', default: false },
  },
});

const seed = whole('seed', values.seed ?? String(Math.floor(Math.random() * 1_000_000)));
const withKeys = !values['no-key'];
const begun = performance.now();
console.log(`seed ${seed}; the dice fall the same way again, the processes do not`);
const report = await runCrash({
  seed,
  kills: whole('kills', values.kills),
  intents: whole('intents', values.intents),
  workers: [2, 4],
  withKeys,
  onProgress: (text) => console.error(`  ${text}`),
});
print(report);
console.log(`took                        ${Math.round((performance.now() - begun) / 1_000)} s`);
process.exitCode = decision(report);

function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/u.test(text)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return Number(text);
}

function print(of: CrashReport): void {
  const killedIn = KILLED_IN.map((state) => `${state} ${of.killedIn[state] ?? 0}`).join(', ');
  const rows: [string, string | number][] = [
    ['intents', of.intents],
    ['processes', of.processes],
    ['kills amid an order', of.kills],
    ['kills at other moments', of.idleKills],
    ['open orders of the killed', killedIn],
    ['orders repeated', of.repeated],
    ['answers "duplicate"', of.duplicates],
    ['left to recovery', of.leftToRecovery],
    ['rounds of recovery', of.recoveryRounds],
    ['open after recovery', of.openAfterRecovery],
    ['submissions that left', of.submissions],
    ['intents that left', `${of.left}, of them refused for certain ${of.leftAndRefused}`],
    ['charges', `${of.charges} (${of.chargedCredits} credits)`],
    ['double charges', of.doubleCharges],
    ['pictures that decode', `${of.decoded} of ${of.pictureFiles} files`],
    [
      'records',
      `${of.records} (${Object.entries(of.states)
        .map(([state, count]) => `${state} ${count}`)
        .join(', ')})`,
    ],
    ['records unreadable', of.unreadable],
    ['records set aside', of.setAside],
    [
      'leftover files',
      Object.entries(of.leftovers)
        .map(([what, count]) => `${what} ${count}`)
        .join(', '),
    ],
    [
      'reservations',
      `${of.reservations.images} pictures, ${of.reservations.spentCredits} credits, reserved ${of.reservations.reservedCredits}, slots ${of.reservations.slots}`,
    ],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(28)}${value}`);
}

function decision(of: CrashReport): number {
  for (const text of of.broken) console.log(`BROKEN  ${text}`);
  if (withKeys) {
    console.log(of.broken.length === 0 ? 'nothing was lost, nothing was paid twice' : 'the books do not agree');
    return of.broken.length === 0 ? 0 : 1;
  }
  console.log('the idempotency key was taken off every request on its way to the service');
  console.log(`double charges: ${of.doubleCharges} (the check ${of.doubleCharges > 0 ? 'can' : 'did not'} fail)`);
  return of.doubleCharges > 0 ? 0 : 1;
}
