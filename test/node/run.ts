/**
 * The packed program on real Nodes from the npm registry: too old ones end with one sentence, the others make a picture.
 * A long run of its own, because each Node is some 40 MB to fetch.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchNode } from '../../scripts/node-binary.ts';

const run = promisify(execFile);

const OLD = ['12.22.12', '14.21.3', '16.20.2', '18.20.8', '20.18.0'];
const GOOD = ['20.18.1', '22', '24'];
const LIMIT_MS = 120_000;

const root = await mkdtemp(join(tmpdir(), 'flux-nodes-'));
let failed = 0;
try {
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', root]);
  const [archive = ''] = (await readdir(root)).filter((name) => name.endsWith('.tgz'));
  await run('tar', ['-xzf', join(root, archive), '-C', root]);
  const main = join(root, 'package/dist/main.js');
  for (const version of OLD) await check(version, ['serve', '--sandbox'], main, isRefused);
  for (const version of GOOD) await check(version, ['demo'], main, ({ code }) => code === 0);
} finally {
  await rm(root, { recursive: true, force: true });
}
console.log(failed === 0 ? `all of ${OLD.length + GOOD.length} Nodes as expected` : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

type Exited = { code: number | null; stdout: string; stderr: string };

function isRefused({ code, stdout, stderr }: Exited): boolean {
  const sentence = /^flux-pro-mcp: Node\.js 20\.18\.1 or newer is needed, and this is [\d.]+; .+\n$/u;
  // Node 12 warns of its own modules first.
  const said = stderr.split('\n').filter((line) => !/ExperimentalWarning|--trace-warnings/u.test(line));
  return code === 1 && stdout === '' && sentence.test(said.join('\n'));
}

async function check(
  version: string,
  args: string[],
  main: string,
  isRight: (ended: Exited) => boolean,
): Promise<void> {
  const node = await fetchNode(version, root);
  const ended = await outcome(node, [main, ...args]);
  const right = isRight(ended);
  if (!right) failed += 1;
  console.log(`${right ? 'ok  ' : 'FAIL'}  Node ${version}: exit code ${ended.code}`);
  if (!right) console.log(ended.stdout + ended.stderr);
}

function outcome(node: string, args: string[]): Promise<Exited> {
  const home = join(root, 'home');
  const child = spawn(node, args, { cwd: root, env: { PATH: process.env.PATH ?? '', HOME: home } });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdin.end();
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code, stdout, stderr });
    });
  });
}
