/** Ten thousand jobs through the real app and the real sandbox: what grows, and whether anything is lost. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, markdownTable, recordIfAsked } from './figures.ts';
import { newClockBase } from './shared-clock.ts';
import type { Reported } from './soak-app.ts';

const SPEED = 8;
const AT_ONCE = 30;
const GROWTH_MAX_BYTES = 20e6;
const STEPS = 10;
const wanted = Number(process.argv[process.argv.indexOf('--jobs') + 1]) || 10_000;
const step = Math.ceil(wanted / STEPS);

/** Nothing that is asked here takes longer. */
const ANSWER_LIMIT_MS = 15 * 60_000;

function answerOf<Value>(child: ChildProcess): Promise<Value> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('a process does not answer')), ANSWER_LIMIT_MS);
    const onExit = (code: number | null): void => {
      clearTimeout(limit);
      reject(new Error(`a process ended with ${code}`));
    };
    child.once('exit', onExit);
    child.once('message', (value) => {
      clearTimeout(limit);
      child.off('exit', onExit);
      resolve(value as Value);
    });
  });
}
async function ask<Value>(child: ChildProcess, question: number): Promise<Value> {
  const answer = answerOf<Value>(child);
  child.send(question);
  return answer;
}
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const folder = mkdtempSync(join(tmpdir(), 'flux-soak-'));
const base = newClockBase(SPEED);
const script = (name: string): string => join(import.meta.dirname, name);
const service = fork(script('soak-service.ts'), [JSON.stringify(base)]);
const children = [service];
try {
  const { url, key } = await answerOf<{ url: string; key: string }>(service);
  const task = JSON.stringify({ url, key, folder, base, atOnce: AT_ONCE });
  const app = fork(script('soak-app.ts'), [task], { execArgv: [...process.execArgv, '--expose-gc'] });
  children.push(app);
  await answerOf(app);
  const began = performance.now();
  const charged = new Set<string>();
  const seen: Reported[] = [];
  for (let n = 1; n <= STEPS; n += 1) {
    seen.push(await ask<Reported>(app, n * step));
    for (const id of (await ask<{ charges: string[] }>(service, 0)).charges) charged.add(id);
    console.error(`${n * step} jobs, ${megabytes(seen.at(-1)?.heapBytes ?? 0)} of heap`);
  }
  const tookS = (performance.now() - began) / 1_000;
  const ended = new Promise((resolve) => app.once('exit', resolve));
  app.send(-1);
  await ended;

  const records = readdirSync(join(folder, 'state'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /^[^/]+.jobs.[\d-]+.job_[a-z0-9]+\.[0-9a-f]+\.\d+\.json$/u.test(name))
    .map((name) => readFileSync(join(folder, 'state', name), 'utf8'));
  const saved = records.filter((text) => text.includes('"state":"saved"')).length;
  const pictures = readdirSync(join(folder, 'pictures'), { recursive: true, encoding: 'utf8' });
  const [first, last] = [seen[0], seen.at(-1)];
  if (first === undefined || last === undefined) throw new Error('nothing was measured');
  const handles = ({ resources }: Reported): number => Object.values(resources).reduce((sum, count) => sum + count, 0);
  const heapGrowth = last.heapBytes - first.heapBytes;
  const facts: [string, string, boolean][] = [
    ['jobs', String(step * STEPS), true],
    ['charges at the service', String(charged.size), charged.size === step * STEPS],
    ['records, of them saved', `${records.length}, ${saved}`, saved === step * STEPS],
    [
      'picture files',
      String(pictures.filter((name) => name.endsWith('.jpg')).length),
      pictures.filter((name) => name.endsWith('.jpg')).length === step * STEPS,
    ],
    ['orders that could not be sent, cost nothing, and were made again', String(last.again), true],
    ['jobs that did not end with a picture', String(last.failed), last.failed === 0],
    [`heap after the first ${step} and after all`, `${megabytes(first.heapBytes)}, ${megabytes(last.heapBytes)}`, true],
    ['growth of the heap', megabytes(heapGrowth), heapGrowth < GROWTH_MAX_BYTES],
    [
      'resident memory after the first and after all',
      `${megabytes(first.rssBytes)}, ${megabytes(last.rssBytes)}`,
      true,
    ],
    ['handles after the first and after all', `${handles(first)}, ${handles(last)}`, handles(last) <= handles(first)],
    ['time', `${tookS.toFixed(0)} s`, true],
  ];
  const misses = facts.filter(([, , isReached]) => !isReached).map(([name]) => name);
  const content = [
    `Machine: ${machine()}.`,
    '',
    `The app as \`serve\` makes it, from source, in a process of its own; the sandbox over HTTP in another; time runs ${SPEED} times faster, ${AT_ONCE} pictures of 256 × 256 at a time, a plan without limits. Memory is taken after two forced collections and a pause. To reach: growth under ${megabytes(GROWTH_MAX_BYTES)} after the first tenth, no more handles, nothing lost.`,
    '',
    markdownTable(
      ['what', 'figure'],
      facts.map(([name, figure]) => [name, figure]),
    ),
  ].join('\n');
  console.log(content);
  for (const failure of last.failures) console.log(`\nnot saved: ${failure}`);
  console.log(misses.length === 0 ? '\nEvery target is reached.' : `\nNot reached: ${misses.join('; ')}`);
  recordIfAsked('soak', content);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
