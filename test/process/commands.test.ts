/** The command line: help and version print and end; whatever is wrong ends with a message that says what is allowed. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

const STACK = /^\s+at .+:\d+:\d+\)?$/m;
const SECRET = 'doitong-live-51f0aa72c3';

async function ended(args: readonly string[], env: Record<string, string> = {}): Promise<RunningProgram> {
  const program = await packed.start(args, { env });
  // A program that wrongly serves instead of ending must not keep the test waiting.
  program.child.stdin.end();
  await program.exit;
  return program;
}

describe.concurrent('help and version', () => {
  it.each([
    [['-h'], ['Commands:', 'flux-pro-mcp COMMAND --help (-h)', 'flux-pro-mcp --version (-v)']],
    [
      ['jobs', '-h'],
      ['flux-pro-mcp jobs', '--limit N'],
    ],
    [['--help'], ['Commands:', 'flux-pro-mcp demo', 'DOITONG_API_KEY', 'Default: 45.']],
    [['help'], ['Commands:', 'flux-pro-mcp demo', 'DOITONG_API_KEY']],
    [
      ['serve', '--help'],
      ['flux-pro-mcp serve', '--sandbox', '--output-dir, FLUX_OUTPUT_DIR'],
    ],
    [
      ['sandbox', '--help'],
      ['flux-pro-mcp sandbox', '--port N', '--plan NAME', '--job-seconds N'],
    ],
    [
      ['demo', '--help'],
      ['flux-pro-mcp demo', '--prompt TEXT'],
    ],
  ])('%j prints what there is', async (args, deps) => {
    const program = await ended(args);
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    for (const part of deps) expect(program.stdout()).toContain(part);
    expect(program.stdout()).toMatch(/\S\n$/);
    expect(program.stderr()).toBe('');
  });

  it.each([[['--version']], [['-v']], [['serve', '--version']], [['sandbox', '-v']], [['demo', '--version']]])(
    '%j prints the version alone',
    async (args) => {
      const program = await ended(args);
      expect(await program.exit).toMatchObject({ code: 0, signal: null });
      expect(program.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/);
      expect(program.stderr()).toBe('');
    },
  );

  it('help does not need good settings', async () => {
    const program = await ended(['--help'], { DOITONG_PLAN: 'gold' });
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(program.stdout()).toContain('Commands:');
  });
});

describe.concurrent('on a terminal', () => {
  /** Debian's program that runs another one on a terminal of its own; elsewhere it is missing or takes other arguments. */
  const script = '/usr/bin/script';
  const isHere = process.platform === 'linux' && existsSync(script);
  if (!isHere) console.warn(`the server on a terminal is not tested: ${script} is not here`);

  it.skipIf(!isHere)('the server says what it waits for, on stderr alone, and Ctrl+C ends it', async () => {
    const home = await packed.newHome();
    const [said, answered] = [join(home.folder, 'said'), join(home.folder, 'answered')];
    const command = `exec "${process.execPath}" "${packed.main}" 2>"${said}" >"${answered}"`;
    const program = await packed.start(['-qefc', command, '/dev/null'], { home, command: script });
    while ((await readFile(said, 'utf8').catch(() => '')) === '')
      await new Promise((resolve) => setTimeout(resolve, 50));
    program.child.stdin.write('\u0003');
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(await readFile(said, 'utf8')).toMatch(
      /^flux-pro-mcp: waiting for an MCP host on stdin; Ctrl\+C stops it, .+ --help.+\.\n$/,
    );
    expect(await readFile(answered, 'utf8')).toBe('');
  });

  it('elsewhere it says nothing', async () => {
    const program = await ended([]);
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(program.stdout() + program.stderr()).toBe('');
  });
});

type Refused = {
  args?: string[];
  env?: Record<string, string>;
  /** What the message must contain: the setting, the value, what is allowed. */
  says: string[];
};

const REFUSED: readonly Refused[] = [
  { env: { DOITONG_PLAN: 'gold' }, says: ['DOITONG_PLAN', '"gold"', 'auto, free, starter, pro, enterprise'] },
  { args: ['--plan', 'gold'], says: ['--plan', 'DOITONG_PLAN', '"gold"', 'auto, free, starter, pro, enterprise'] },
  { args: ['serve', '--sandbox', '--plan=gold'], says: ['--plan', '"gold"', 'auto, free, starter'] },
  { env: { FLUX_WAIT_SECONDS: '301' }, says: ['FLUX_WAIT_SECONDS', '"301"', '0 to 300'] },
  { args: ['--wait-seconds', '-1'], says: ['--wait-seconds', '"-1"', '0 to 300'] },
  { env: { FLUX_WAIT_SECONDS: '1e1' }, says: ['FLUX_WAIT_SECONDS', '"1e1"', 'a whole number'] },
  { args: ['--log-level', 'loud'], says: ['--log-level', 'FLUX_LOG_LEVEL', '"loud"', 'debug, info, warn, error'] },
  { env: { FLUX_OUTPUT_DIR: 'pictures' }, says: ['FLUX_OUTPUT_DIR', '"pictures"', 'an absolute path'] },
  { env: { FLUX_RESULT: 'text,video' }, says: ['FLUX_RESULT', '"text,video"', 'text, image, link, structured'] },
  { env: { DOITONG_JOB_QUERY: 'job' }, says: ['DOITONG_JOB_QUERY', '"job"', 'field(argument)'] },
  { env: { DOITONG_DOWNLOAD_HOSTS: 'https://a.b/' }, says: ['DOITONG_DOWNLOAD_HOSTS', '"https://a.b/"', 'host names'] },
  { args: ['--api-url', 'http://example.com'], says: ['--api-url', '"http://example.com"', 'an https origin'] },
  { env: { DOITONG_API_URL: `https://me:${SECRET}@a.com` }, says: ['DOITONG_API_URL', '@a.com', 'an https origin'] },
  { env: { DOITONG_API_KEY: `${SECRET} ${SECRET}` }, says: ['DOITONG_API_KEY', 'not shown', 'without spaces'] },
  { env: { DOITONG_API_KEY_FILE: SECRET }, says: ['DOITONG_API_KEY_FILE', 'not shown', 'an absolute path'] },
  { args: ['--api-key', SECRET], says: ['--api-key', 'never a flag', 'DOITONG_API_KEY', '--log-level'] },
  { args: [`--api-key=${SECRET}`], says: ['--api-key', 'never a flag', 'DOITONG_API_KEY'] },
  { args: ['serve', '--verbose'], says: ['--verbose', 'serve', '--log-level'] },
  { args: ['-x'], says: ['-x', 'serve', '--log-level'] },
  { args: ['--sandbax'], says: ['serve has no flag --sandbax. Did you mean --sandbox?\n'] },
  { args: ['dcotor'], says: ['unknown command "dcotor". Did you mean doctor?'] },
  { args: ['help', 'dcotor'], says: ['unknown command "dcotor". Did you mean doctor?'] },
  { args: ['serve', '--sandbox=yes'], says: ['--sandbox', '"yes"', 'takes no value'] },
  { args: ['--plan'], says: ['--plan', 'needs a value'] },
  { args: ['--plan', 'pro', '--plan', 'free'], says: ['--plan', 'twice'] },
  { args: ['serve', 'now'], says: ['serve', '"now"'] },
  { args: ['paint'], says: ['"paint"', 'serve, demo, sandbox', '--help'] },
  { args: ['sandbox', '--port', '70000'], says: ['--port', '"70000"', '0 to 65535'] },
  { args: ['sandbox', '--plan', 'gold'], says: ['--plan', '"gold"', 'free, starter, pro, enterprise'] },
  { args: ['sandbox', '--job-seconds', 'x'], says: ['--job-seconds', '"x"', '0 to 3600'] },
  { args: ['sandbox', '--log-level', 'debug'], says: ['--log-level', 'sandbox', '--port'] },
  { args: ['demo'], env: { FLUX_OUTPUT_DIR: 'here' }, says: ['FLUX_OUTPUT_DIR', '"here"', 'an absolute path'] },
];

function expectRefused(program: RunningProgram, says: readonly string[]): void {
  for (const part of says) expect(program.stderr()).toContain(part);
  expect(program.stderr()).toMatch(/^flux-pro-mcp: /);
  expect(program.stderr()).not.toMatch(STACK);
  expect(program.stderr()).not.toContain(SECRET);
  expect(program.stdout()).toBe('');
}

describe.concurrent('bad settings and arguments', () => {
  it.each(REFUSED)('end the program with a message: $says', async ({ args = [], env = {}, says }) => {
    const program = await ended(args, env);
    expect(await program.exit).toMatchObject({ code: 2, signal: null });
    expectRefused(program, says);
  });

  it('all of them are named at once', async () => {
    const program = await ended(['--wait-seconds', 'soon'], { DOITONG_PLAN: 'gold', FLUX_LOG_LEVEL: 'loud' });
    expect(await program.exit).toMatchObject({ code: 2 });
    expectRefused(program, ['--wait-seconds', '"soon"', 'DOITONG_PLAN', '"gold"', 'FLUX_LOG_LEVEL', '"loud"']);
  });

  it('a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = String((server.address() as AddressInfo).port);
    try {
      const program = await ended(['sandbox', '--port', port]);
      expect(await program.exit).toMatchObject({ code: 2 });
      expectRefused(program, [`port ${port}`, 'EADDRINUSE']);
    } finally {
      server.close();
    }
  });

  it('an empty value and an unfilled placeholder of a host count as not set', async () => {
    const unset = { DOITONG_API_KEY: '', DOITONG_PLAN: `\${user_config.plan}`, FLUX_WAIT_SECONDS: ' ' };
    const program = await ended([], unset);
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(program.stderr()).toBe('');
  });
});
