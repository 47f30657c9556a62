/** The table of a run, for the terminal and for docs/hosts.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaseName, CaseReport } from './cases.ts';
import type { ClientRow } from './clients.ts';
import { versionOf } from './install.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/hosts.md');
const BLOCK = /<!-- real-clients:begin -->[\s\S]*<!-- real-clients:end -->/u;
const WORDS = { picture: 'picture', base64: 'Base64 as text', none: 'text alone' };
const HEAD = [
  'client',
  'version',
  'model API',
  'name it sends',
  'protocol',
  'of the picture',
  'one picture',
  'nine pictures',
  'time-out',
  'server ended',
];

export function hostsTable(reports: ReadonlyMap<ClientRow, ReadonlyMap<CaseName, CaseReport>>): string {
  const rows = [...reports].map(([row, cases]) => {
    const one = cases.get('one picture');
    const nine = cases.get('nine pictures');
    const cut = cases.get('time-out');
    const all = [...cases.values()];
    return [
      row.title,
      versionOf(row.client, row.package),
      row.dialect,
      `\`${one?.clientName ?? ''}\``,
      one?.protocol ?? '',
      WORDS[one?.seen ?? 'none'],
      size(one),
      size(nine),
      cut === undefined ? '–' : cut.problems.length === 0 ? 'found again' : 'FAILED',
      all.some(({ problems }) => problems.some((problem) => problem.includes('still running'))) ? 'NO' : 'yes',
    ];
  });
  return [HEAD, HEAD.map(() => '---'), ...rows].map((sharedValues) => `| ${sharedValues.join(' | ')} |`).join('\n');
}

/** Rounded, so that the length of a path on this machine does not change the document. */
function size(report: CaseReport | undefined): string {
  if (report === undefined) return '–';
  const pictures = report.pictures === 0 ? '' : `, ${report.pictures} shown`;
  return `${(Math.round(report.characters / 100) / 10).toFixed(1)} k${pictures}`;
}

export async function writeDocs(table: string): Promise<void> {
  const text = await readFile(DOCUMENT, 'utf8');
  if (!BLOCK.test(text)) throw new Error('docs/hosts.md has no place for the table of real clients');
  await writeFile(
    DOCUMENT,
    text.replace(BLOCK, `<!-- real-clients:begin -->\n\n${table}\n\n<!-- real-clients:end -->`),
  );
}
