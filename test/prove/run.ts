/** `npm run prove`: all runs of both kinds; prints what it counted, and fails when something was lost or paid twice. */
import { parseArgs } from 'node:util';
import { BREACHES, type BreachKind } from './audit.ts';
import type { CaseResult, Mode } from './mode.ts';
import { MODES } from './modes.ts';
import { REAL_MODES } from './real/modes.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    mode: { type: 'string' },
    kind: { type: 'string' },
    case: { type: 'string' },
  },
});

const KINDS: Readonly<Record<string, readonly Mode[]>> = { deterministic: MODES, real: REAL_MODES };
const ofKind = values.kind === undefined ? Object.values(KINDS).flat() : (KINDS[values.kind] ?? []);
const modes = ofKind.filter(({ name }) => values.mode === undefined || name === values.mode.replaceAll('-', ' '));
if (modes.length === 0)
  throw new Error(
    `--mode takes one of these: ${Object.values(KINDS)
      .flat()
      .map(({ name }) => name)
      .join(', ')}`,
  );
const seed = whole('seed', values.seed) ?? Math.floor(Math.random() * 1_000_000);
const runs = whole('runs', values.runs);
/** As many lines of what happened before a failure as one can read. */
const TRACE_LINES = 80;
/** One cause may show in all pictures of a case. */
const BREACH_LINES = 20;
/** What the promises are about; all else that was found is counted together. */
const COUNTED: readonly BreachKind[] = ['paid twice', 'lost', 'denied charge', 'over budget'];

type Counts = {
  cases: number;
  intents: number;
  charges: number;
  broken: Record<BreachKind, number>;
  first: CaseResult | undefined;
  skipped: string | undefined;
};

console.log(`seed ${seed}; the same seed gives the same deterministic runs`);
const begun = performance.now();
const counted = new Map<string, Counts>();
const HEADS = ['mode', 'cases', 'intents', 'charges', ...COUNTED, 'other'];
line(HEADS);
for (const mode of modes) {
  const counts = await countsOf(mode);
  counted.set(mode.name, counts);
  // At once: a run takes more than an hour, and may be ended before.
  line(rowOf(mode.name, counts));
}
print();

function whole(name: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^\d{1,9}$/u.test(text)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return text === undefined ? undefined : Number(text);
}

async function countsOf(mode: Mode): Promise<Counts> {
  const broken = Object.fromEntries(BREACHES.map((kind) => [kind, 0])) as Counts['broken'];
  const counts: Counts = { cases: 0, intents: 0, charges: 0, broken, first: undefined, skipped: undefined };
  for await (const result of mode.play({ seed, runs, only: values.case })) {
    counts.skipped = result.skipped;
    if (result.skipped !== undefined) continue;
    counts.cases += 1;
    counts.intents += result.intents ?? 0;
    counts.charges += result.charges;
    for (const { kind } of result.breaches) broken[kind] += 1;
    if (result.breaches.length > 0) counts.first ??= result;
    if (counts.cases % 100 === 0) console.error(`  ${mode.name}: ${counts.cases} cases`);
  }
  return counts;
}

function line([name, ...cells]: readonly (string | number)[]): void {
  console.log(String(name).padEnd(24) + cells.map((cell) => String(cell).padStart(15)).join(''));
}

function rowOf(name: string, { cases, intents, charges, broken }: Counts): (string | number)[] {
  const others = BREACHES.filter((kind) => !COUNTED.includes(kind));
  const other = others.reduce((sum, kind) => sum + broken[kind], 0);
  return [name, cases, intents, charges, ...COUNTED.map((kind) => broken[kind]), other];
}

function print(): void {
  const rows = [...counted].map(([name, counts]) => rowOf(name, counts));
  const sums = HEADS.slice(1).map((_, column) => rows.reduce((sum, row) => sum + Number(row[column + 1]), 0));
  line(['together', ...sums]);
  for (const [name, { skipped }] of counted) if (skipped !== undefined) console.log(`SKIPPED  ${name}: ${skipped}`);
  console.log(`took ${Math.round((performance.now() - begun) / 1_000)} s`);
  const first = [...counted].find(([, counts]) => counts.first !== undefined);
  if (first?.[1].first === undefined) {
    console.log('nothing was lost, nothing was paid twice');
    return;
  }
  const [mode, { first: result }] = first;
  for (const line of result.trace.slice(-TRACE_LINES)) console.log(line);
  for (const { kind, what } of result.breaches.slice(0, BREACH_LINES)) console.log(`BROKEN  ${kind}: ${what}`);
  const isDeterministic = MODES.some(({ name }) => name === mode);
  const again = result.isOwnSeed
    ? [`--seed ${result.seed} --runs 1`]
    : [`--seed ${seed}`, ...(isDeterministic ? [`--case '${result.name}'`] : runs ? [`--runs ${runs}`] : [])];
  console.log(`${result.name}: npm run prove -- --mode ${mode.replaceAll(' ', '-')} ${again.join(' ')}`);
  process.exitCode = 1;
}
