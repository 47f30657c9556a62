/**
 * `npm run eval`: what readers decided is decided again, against the sandbox and the server of now. `-- NAME…` runs a
 * selection of jobs or readers, `-- --verbose` prints the answers that are others than at the recording.
 */
import { parseArgs } from 'node:util';
import { replay, type Replayed } from './replay.ts';
import { readTranscripts, type Transcript } from './transcript.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { verbose: { type: 'boolean', default: false } },
});

const AT_ONCE = 3;
/** Of all recordings; nobody is right at the first attempt every time. */
const WANTED = 38 / 42;

const isWanted = ({ job, reader }: Transcript): boolean =>
  positionals.length === 0 || positionals.includes(job) || positionals.includes(reader);

const left = (await readTranscripts()).filter(isWanted);
const all: Replayed[] = [];
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const replayed = await replay(next);
      all.push(replayed);
      print(replayed);
    }
  }),
);
process.exitCode = summary();

function print({ transcript: { job, reader }, result, changedTexts, changedAnswers }: Replayed): void {
  const { problems, calls, characters, charges } = result;
  const figures = `${calls} calls, ${characters} characters, ${charges.join(' + ')} charged`;
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'}  ${job}, ${reader}: ${figures}`);
  for (const problem of problems) console.log(`      ${problem}`);
  if (changedTexts.length > 0) console.log(`      other texts than at the recording: ${changedTexts.join(', ')}`);
  for (const { step, then, now } of changedAnswers) {
    console.log(`      another answer to ${JSON.stringify(step).slice(0, 100)}`);
    if (values.verbose) console.log(`--- then\n${then}\n--- now\n${now}\n---`);
  }
}

function summary(): number {
  const reachedIn = (some: readonly Replayed[]) => some.filter(({ result }) => result.problems.length === 0).length;
  console.log('\njob            reached  calls  characters  (means)');
  for (const job of [...new Set(all.map(({ transcript }) => transcript.job))].sort()) {
    const some = all.filter(({ transcript }) => transcript.job === job);
    const mean = (figure: 'calls' | 'characters'): number =>
      some.reduce((total, { result }) => total + result[figure], 0) / some.length;
    const cells = [`${reachedIn(some)}/${some.length}`, mean('calls').toFixed(1), mean('characters').toFixed(0)];
    const [reached = '', calls = '', characters = ''] = cells;
    console.log(`${job.padEnd(13)}${reached.padStart(9)}${calls.padStart(7)}${characters.padStart(12)}`);
  }
  const stale = all.filter(
    ({ changedTexts, changedAnswers }) => changedTexts.length + changedAnswers.length > 0,
  ).length;
  const reached = reachedIn(all);
  if (stale > 0)
    console.log(`${stale} were decided on other texts than those of now: have them recorded again (docs/testing.md).`);
  console.log(`The goal was reached in ${reached} of ${all.length} recordings.`);
  return all.length > 0 && reached >= WANTED * all.length ? 0 : 1;
}
