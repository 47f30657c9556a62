/**
 * `npm run inspect`: the Inspector's command line on the built server, in both eras. It is installed from the registry
 * when this runs, with the Node that it needs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOOLS } from '../../src/mcp/catalogue.ts';
import { installPinned } from '../support/pinned-packages.ts';

const HERE = import.meta.dirname;
const SERVER = ['node', join(HERE, '../../dist/main.js'), 'serve', '--sandbox'];
/** Of the Inspector, for an answer of a tool that is an error. */
const TOOL_ERROR = 5;
const TOOL_NAMES = TOOLS.map(({ name }) => name);
const GUIDE = 'flux://guide/prompting';

type Outcome = { code: number | null; stdout: string; stderr: string };
type Check = {
  name: string;
  args: readonly string[];
  code?: number;
  problem: (outcome: Outcome) => string | undefined;
};

const lacks =
  (...texts: readonly string[]) =>
  ({ stdout }: Outcome): string | undefined => {
    const missing = texts.filter((text) => !stdout.includes(text));
    return missing.length === 0 ? undefined : `not in the answer: ${missing.join(', ')}`;
  };
const call = (name: string, args: object): string[] => [
  ...['--method', 'tools/call', '--tool-name', name],
  ...['--tool-args-json', JSON.stringify(args)],
];

const CHECKS: readonly Check[] = [
  {
    name: 'tools/list --strict, without a warning',
    args: ['--method', 'tools/list', '--strict'],
    problem: (outcome) =>
      lacks(...TOOL_NAMES.map((tool) => `"name":"${tool}"`))(outcome) ??
      (/\b(?:warning|error)\b(?!s)/i.test(outcome.stderr) ? outcome.stderr.trim() : undefined),
  },
  {
    name: 'tools/list --app-info',
    args: ['--method', 'tools/list', '--app-info', '--advertise-apps'],
    problem: lacks('"resourceUri":"ui://flux/viewer"', '"resourceMimeType":"text/html;profile=mcp-app"'),
  },
  { name: 'resources/list', args: ['--method', 'resources/list'], problem: lacks('flux://limits', GUIDE) },
  {
    name: 'resources/templates/list',
    args: ['--method', 'resources/templates/list'],
    problem: lacks('flux://jobs/{job_id}', 'flux://images/{job_id}'),
  },
  { name: 'resources/read', args: ['--method', 'resources/read', '--uri', GUIDE], problem: lacks('text/markdown') },
  {
    name: 'prompts/list',
    args: ['--method', 'prompts/list'],
    problem: lacks('compose_image_prompt', 'review_image_prompt'),
  },
  {
    name: 'prompts/get',
    args: ['--method', 'prompts/get', '--prompt-name', 'compose_image_prompt', '--prompt-args', 'subject=a heron'],
    problem: lacks('a heron'),
  },
  {
    name: 'tools/call of generate_image',
    args: call('generate_image', { prompt: 'A heron in the reeds', width: 256, height: 256 }),
    problem: lacks('finished and saved', '"type":"image"'),
  },
  { name: 'tools/call of list_jobs', args: call('list_jobs', {}), problem: lacks('"structuredContent"') },
  {
    name: 'tools/call with a misspelt argument',
    args: call('generate_image', { promt: 'A heron' }),
    code: TOOL_ERROR,
    problem: ({ stdout, stderr }) => lacks('promt')({ code: 0, stdout: stdout + stderr, stderr: '' }),
  },
];

const node = await installPinned(HERE);
const home = await mkdtemp(join(tmpdir(), 'flux-inspect-'));
const count = { passed: 0, failed: 0 };
for (const era of ['legacy', 'modern'])
  for (const check of CHECKS) {
    const outcome = inspect([...check.args, '--protocol-era', era]);
    const { code = 0 } = check;
    const problem = outcome.code === code ? check.problem(outcome) : `exit code ${outcome.code}: ${outcome.stderr}`;
    count[problem === undefined ? 'passed' : 'failed'] += 1;
    console.log(`${problem === undefined ? 'ok  ' : 'FAIL'}  ${era}: ${check.name}`);
    if (problem !== undefined) console.log(problem.slice(0, 2_000).replaceAll(/^/gmu, '      '));
  }
await rm(home, { recursive: true, force: true });
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed === 0 ? 0 : 1;

function inspect(args: readonly string[]): Outcome {
  const cli = join(HERE, 'node_modules/.bin/mcp-inspector');
  const { PATH = '' } = process.env;
  const { status, stdout, stderr } = spawnSync(node, [cli, '--cli', ...SERVER, ...args, '--format', 'json'], {
    encoding: 'utf8',
    // The Inspector keeps files of its own there; the server its pictures.
    env: { PATH, HOME: home },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  return { code: status, stdout, stderr };
}
