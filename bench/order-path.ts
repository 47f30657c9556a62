/** Names the source files that one order runs through: until its first byte leaves, and from the last byte to the answer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { drawPicture } from '../sandbox/drawing.ts';
import { startOverheadService } from './overhead-service.ts';

const FILES_MAX = 30;

async function executedFiles(child: ChildProcess): Promise<string[]> {
  const answer = once(child, 'message');
  child.send('take');
  const [files] = (await answer) as [string[]];
  return files.sort();
}

const service = await startOverheadService(await drawPicture('path', 256, 256));
const home = mkdtempSync(join(tmpdir(), 'flux-path-'));
const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'covered-server.ts')], {
  stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  env: {
    PATH: process.env.PATH ?? '',
    HOME: home,
    DOITONG_API_KEY: 'path-key-0123456789',
    DOITONG_API_URL: service.url,
    DOITONG_PLAN: 'enterprise',
    FLUX_OUTPUT_DIR: join(home, 'pictures'),
    FLUX_STATE_DIR: join(home, 'state'),
  },
});
const { stdin, stdout } = child;
if (stdin === null || stdout === null) throw new Error('The server has no pipes.');
const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
let lastId = 0;

async function ask(method: string, params: Record<string, unknown>): Promise<void> {
  const id = ++lastId;
  stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${method} was not answered`);
    if ((JSON.parse(value) as { id?: number }).id === id) return;
  }
}

const order = (prompt: string): Promise<void> =>
  ask('tools/call', { name: 'generate_image', arguments: { prompt, width: 256, height: 256 } });

try {
  await ask('initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'path', version: '1' },
  });
  stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  // The first order asks for the schema and loads modules; the second one shows the path.
  await order('a lighthouse');
  const found: string[][] = [];
  service.onArrival = async ({ isPicture }) => {
    const files = await executedFiles(child);
    if (!isPicture) found.push(files);
  };
  await executedFiles(child);
  await order('a windmill');
  const [before = []] = found;
  const after = await executedFiles(child);
  for (const [what, files] of [
    ['From tools/call to the first byte', before],
    ['From the last byte to the answer', after],
  ] as const) {
    console.log(`${what}: ${files.length} files${files.length > FILES_MAX ? `, more than ${FILES_MAX}` : ''}`);
    for (const file of files) console.log(`  ${file}`);
  }
  if (before.length > FILES_MAX || after.length > FILES_MAX) process.exitCode = 1;
} finally {
  child.kill('SIGTERM');
  service.close();
  rmSync(home, { recursive: true, force: true });
}
