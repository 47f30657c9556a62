/** Measures how long a host waits for the tool list, as a multiple of what a bare Node process needs for one line. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchNode } from '../scripts/node-binary.ts';
import { machine, markdownTable, median, milliseconds, recordIfAsked } from './figures.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'dist/main.js');
/** Those that can keep compiled code between starts (`module.enableCompileCache`). */
const CACHING_NODES = ['22', '24'];
const WARM_UPS = 2;
const SAMPLES = 15;
const SAMPLE_LIMIT_MS = 20_000;

const REQUESTS = [
  {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
  },
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  { jsonrpc: '2.0', id: 2, method: 'tools/list' },
]
  .map((message) => `${JSON.stringify(message)}\n`)
  .join('');

/** The least a Node program can do for a host: read a line of JSON, answer a line of JSON. */
const BARE = `import { createInterface } from 'node:readline';
createInterface({ input: process.stdin }).once('line', (line) => {
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id: 2, result: { got: JSON.parse(line).method } }) + '\\n');
});
`;

/** The server with compiled code kept in the folder of the file. */
const CACHED = `import module from 'node:module';
module.enableCompileCache(import.meta.dirname + '/compiled');
await import(${JSON.stringify(MAIN)});
`;

/** Milliseconds from spawn until the line that answers request 2 is complete. */
function sample(node: string, file: string, input: string, home: string, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(node, [file], { cwd: home, env, stdio: ['pipe', 'pipe', 'inherit'] });
    const limit = setTimeout(() => child.kill('SIGKILL'), SAMPLE_LIMIT_MS);
    let output = '';
    let took: number | undefined;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (took !== undefined || !answered(output)) return;
      took = performance.now() - start;
      child.stdin.end();
    });
    child.on('error', reject).on('close', () => {
      clearTimeout(limit);
      if (took === undefined) reject(new Error(`${file} did not answer; it printed ${JSON.stringify(output)}`));
      else resolve(took);
    });
    child.stdin.on('error', reject).write(input);
  });
}

function answered(output: string): boolean {
  return output
    .split('\n')
    .slice(0, -1)
    .some((line) => {
      const { id, result } = JSON.parse(line) as { id?: number; result?: unknown };
      return id === 2 && result !== undefined;
    });
}

/** Size of the package in bytes, packed and unpacked; `dist` is built already. */
function packageSize(): { packed: number; unpacked: number; files: number } {
  const npm = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'];
  const output: unknown = JSON.parse(execFileSync('npm', npm, { cwd: ROOT, encoding: 'utf8' }));
  // npm 12 answers an object by package name, older ones a list.
  const [pack] = Object.values(output as Record<string, { size: number; unpackedSize: number; entryCount: number }>);
  if (pack === undefined) throw new Error('npm pack told nothing');
  return { packed: pack.size, unpacked: pack.unpackedSize, files: pack.entryCount };
}

type Comparison = { server: number[]; bare: number[]; ratio: string };

/** The two programs in turns, so that a machine whose speed drifts slows both. */
async function compare(
  folder: string,
  bareFile: string,
  env: NodeJS.ProcessEnv,
  { node = process.execPath, serverFile = MAIN } = {},
): Promise<Comparison> {
  const server: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < WARM_UPS + SAMPLES; round += 1) {
    const serverMs = await sample(node, serverFile, REQUESTS, folder, env);
    const bareMs = await sample(node, bareFile, REQUESTS, folder, env);
    if (round < WARM_UPS) continue;
    server.push(serverMs);
    bare.push(bareMs);
  }
  return { server, bare, ratio: (median(server) / median(bare)).toFixed(2) };
}

const range = (values: number[]): string => `${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)} ms`;
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;

function rowsOf(where: string, { server, bare, ratio }: Comparison): string[][] {
  return [
    [`server, spawn to the tools/list answer, ${where}`, milliseconds(median(server)), range(server)],
    [`bare Node, spawn to one line of JSON, ${where}`, milliseconds(median(bare)), range(bare)],
    [`ratio, ${where}`, ratio, ''],
  ];
}

/** The same on newer Nodes, which are fetched for it, without and with compiled code that is kept. */
async function rowsOfNodes(folder: string, bareFile: string, env: NodeJS.ProcessEnv): Promise<string[][]> {
  const cachedFile = join(folder, 'cached.mjs');
  writeFileSync(cachedFile, CACHED);
  const rows: string[][] = [];
  for (const version of CACHING_NODES) {
    const node = await fetchNode(version, folder);
    const plain = await compare(folder, bareFile, env, { node });
    const cached = await compare(folder, bareFile, env, { node, serverFile: cachedFile });
    rows.push([
      `ratio, Node ${version}`,
      plain.ratio,
      `${milliseconds(median(plain.server))} and ${milliseconds(median(plain.bare))}`,
    ]);
    rows.push([
      `ratio, Node ${version}, compile cache`,
      cached.ratio,
      `${milliseconds(median(cached.server))} and ${milliseconds(median(cached.bare))}`,
    ]);
  }
  return rows;
}

/** The section of RESULTS.md. */
function section(figures: readonly (readonly string[])[]): string {
  const method =
    'The built server and a bare Node process in turns, each spawned in an empty folder; `initialize`, ' +
    '`notifications/initialized` and `tools/list` are written at once and the clock stops when the answer to ' +
    `\`tools/list\` is complete. ${WARM_UPS} rounds to warm up, then the median of ${SAMPLES}. Twice: with the whole ` +
    'environment of the caller and with `PATH` and `HOME` alone, as hosts that pass little on start it. What the ' +
    'environment makes Node do at its own start (reading extra CA certificates, say) slows both programs and lowers ' +
    'the ratio, so the second is the one to compare. `--nodes` adds Node 22 and 24, which it fetches, with `PATH` and ' +
    '`HOME` alone: as they are, and with `module.enableCompileCache`, filled by the rounds to warm up.';
  const table = markdownTable(['what', 'median', 'range'], figures);
  return [`Machine: ${machine()}.`, '', method, '', table].join('\n');
}

const folder = mkdtempSync(join(tmpdir(), 'flux-bench-'));
try {
  const bareFile = join(folder, 'bare.mjs');
  writeFileSync(bareFile, BARE);
  const small = await compare(folder, bareFile, { PATH: process.env.PATH ?? '', HOME: folder });
  const whole = await compare(folder, bareFile, { ...process.env, HOME: folder });
  const size = packageSize();
  const figures = [
    ...rowsOf('PATH and HOME alone', small),
    ...rowsOf('whole environment', whole),
    ...(process.argv.includes('--nodes')
      ? await rowsOfNodes(folder, bareFile, { PATH: process.env.PATH ?? '', HOME: folder })
      : []),
    ['package, packed', kilobytes(size.packed), `${size.files} files`],
    ['package, unpacked', kilobytes(size.unpacked), ''],
  ];
  for (const [what, value, note] of figures) console.log(`${what}: ${value}${note === '' ? '' : ` (${note})`}`);
  recordIfAsked('start', section(figures));
  // The stricter of the two: nothing but the program itself tells them apart.
  console.log(`ratio ${small.ratio}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
