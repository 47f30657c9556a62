/**
 * `npm run test:hosts`: drives the built server through real frameworks and command-line hosts, with a fake model behind
 * them, and asserts on what the model receives. `-- NAME…` runs a selection, `-- --list` names them all, `-- --verbose`
 * prints what each client said.
 */
import { parseArgs } from 'node:util';
import { type CaseName, type CaseReport, runCase } from './cases.ts';
import { CLIENTS, type ClientRow, labelOf } from './clients.ts';
import { installClients } from './install.ts';
import { hostsTable, writeDocs } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false }, verbose: { type: 'boolean', default: false } },
});

const CLIENTS_AT_ONCE = 3;

if (values.list) for (const row of CLIENTS) console.log(`${row.client.padEnd(16)}${labelOf(row)}`);
else process.exitCode = await main();

async function main(): Promise<number> {
  const rows = CLIENTS.filter(isWanted);
  if (rows.length === 0) throw new Error(`no client is called ${positionals.join(', ')}; --list names them`);
  const node = await installClients();
  const reports = new Map(rows.map((row) => [row, new Map<CaseName, CaseReport>()]));
  const count = { passed: 0, failed: 0 };
  const left = [...rows];
  async function work(): Promise<void> {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      for (const name of casesOf(row)) {
        const report = await runCase(name, row, node);
        reports.get(row)?.set(name, report);
        count[report.problems.length === 0 ? 'passed' : 'failed'] += 1;
        print(row, name, report);
      }
    }
  }
  // What takes time is waiting for the sandbox and for clients' own starts.
  await Promise.all(Array.from({ length: CLIENTS_AT_ONCE }, work));
  const table = hostsTable(reports);
  console.log(`\n${table}\n`);
  // A document says what holds: not of a selection, and not of a run that failed.
  const mayWrite = positionals.length === 0 && count.failed === 0;
  if (process.env.UPDATE_DOCS !== undefined && mayWrite) await writeDocs(table);
  console.log(`${count.passed} passed, ${count.failed} failed`);
  return count.failed === 0 ? 0 : 1;
}

function print(row: ClientRow, name: CaseName, { problems, output }: CaseReport): void {
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'}  ${labelOf(row)}, ${name}`);
  for (const problem of problems) console.log(`      ${problem}`);
  if (values.verbose) console.log(output.replaceAll(/^/gmu, '      '));
}

function isWanted(row: ClientRow): boolean {
  return positionals.length === 0 || positionals.some((name) => row.client === name || labelOf(row).includes(name));
}

function casesOf({ timeout }: ClientRow): CaseName[] {
  return timeout === 'none' ? ['one picture', 'nine pictures'] : ['one picture', 'nine pictures', 'time-out'];
}
