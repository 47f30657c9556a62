/** `npm run fuzz`: mutated messages by seed; prints what it counted and fails when something did not hold. */
import { parseArgs } from 'node:util';
import { runFuzz } from './fuzz-run.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, messages: { type: 'string', default: '20000' } },
});

const seed = whole('seed', values.seed ?? String(Math.floor(Math.random() * 1_000_000)));
console.log(`seed               ${seed}`);
const begun = performance.now();
const report = await runFuzz({ seed, messages: whole('messages', values.messages) });
console.log(`messages           ${report.messages} in ${report.sessions} sessions`);
console.log(`answers expected   ${report.answersExpected}`);
console.log(`orders sent        ${report.ordersSent} texts`);
console.log(`charges            ${report.charges}`);
console.log(`took               ${Math.round((performance.now() - begun) / 1_000)} s`);
for (const problem of report.problems) console.log(`PROBLEM  ${problem}`);
console.log(report.problems.length === 0 ? 'all held' : `${report.problems.length} problems`);
process.exitCode = report.problems.length === 0 ? 0 : 1;

function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/u.test(text)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return Number(text);
}
