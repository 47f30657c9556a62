/** Pictures from the shell, with the packed program: prompts and files, the price, a terminal, an interruption. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SandboxState } from '../../sandbox/sandbox.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { type Home, type RunningProgram, unpackPackage } from '../support/packed-program.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

/** The packed `sandbox` command, and a user of it. */
async function startService(jobSeconds = 0, plan = 'enterprise') {
  const program = await packed.start(['sandbox', '--job-seconds', String(jobSeconds), '--plan', plan]);
  while (!program.stdout().includes('\n')) await new Promise((resolve) => program.child.stdout.once('data', resolve));
  const { url, key } = JSON.parse(program.stdout()) as { url: string; key: string };
  const home = await packed.newHome();
  return {
    user: { home, env: { DOITONG_API_URL: url, DOITONG_API_KEY: key, FLUX_LOG_LEVEL: 'error' } },
    state: async () =>
      (await (await fetch(`${url}/sandbox/state`, { headers: { 'x-api-key': key } })).json()) as SandboxState,
    stop: async () => {
      program.child.kill('SIGTERM');
      await program.exit;
    },
  };
}

type User = { home: Home; env?: Record<string, string> };
type Outcome = { code: number | null; stdout: string; stderr: string };

async function ended(program: RunningProgram): Promise<Outcome> {
  const { code } = await program.exit;
  const [stdout, stderr] = [program.stdout(), program.stderr()];
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
  return { code, stdout, stderr };
}

async function generate(user: User, args: readonly string[], stdin = ''): Promise<Outcome> {
  const program = await packed.start(['generate', ...args], user);
  program.child.stdin.end(stdin);
  const outcome = await ended(program);
  for (const secret of Object.values({ key: user.env?.DOITONG_API_KEY ?? 'no key' }))
    expect(outcome.stdout + outcome.stderr).not.toContain(secret);
  return outcome;
}

const filesIn = (text: string): string[] => text.match(/\/\S+\.jpg/gu) ?? [];

describe.concurrent('generate', () => {
  it('makes a picture in the sandbox, without a key, and finds it again', async () => {
    const user = { home: await packed.newHome() };
    const args = ['A heron in the reeds', '--sandbox', '--aspect-ratio', '3:2', '--file-name', 'heron'];
    const first = await generate(user, args);
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^1\. completed, \/.+\.jpg, \d+ credits\n$/),
    });
    expect(first.stderr).toContain('Sandbox: test pictures; no real credits are spent.');
    const [file = 'no file'] = filesIn(first.stdout);
    expect(file).toContain('/heron_job_');
    expect(await decodeJpeg(await readFile(file))).toMatchObject({ width: 1248, height: 832 });

    const again = await generate(user, [...args, '--json']);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ status: 'completed', file, duplicate: true, sandbox: true });
  });

  it('shows plain lines at changes where there is no terminal', async () => {
    const { stderr } = await generate({ home: await packed.newHome() }, ['A crane', '--sandbox']);
    const lines = stderr.split('\n').filter((line) => line.startsWith('['));
    expect(lines.length).toBeGreaterThan(1);
    expect(stderr).not.toContain('\u001B');
    const stages = lines.map((line) => line.replace(/^\[.*?\] +\d+ % +/u, '').split(', ')[0]);
    expect(new Set(stages).size).toBe(stages.length);
  });

  it('orders from text, from CSV and from stdin, each picture once', async () => {
    const { user, state, stop } = await startService();
    const [text, csv] = [join(user.home.folder, 'list.txt'), join(user.home.folder, 'list.csv')];
    await writeFile(text, '\uFEFFone\r\n\r\ntwo\r\n');
    await writeFile(csv, 'prompt,width,height,file_name\n"three, ""quoted""\nin two lines",512,256,third\nfour,,,\n');
    expect(await generate(user, ['zero', '--from', text])).toMatchObject({ code: 0 });
    const fromCsv = await generate(user, ['--from', csv, '--json']);
    expect(fromCsv.code).toBe(0);
    expect(JSON.parse(fromCsv.stdout)).toMatchObject({
      ...{ completed: 2, failed: 0, pending: 0 },
      jobs: [
        {
          prompt: 'three, "quoted"\nin two lines',
          width: 512,
          height: 256,
          file: expect.stringContaining('/third_job_'),
        },
        { prompt: 'four', width: 1024, height: 1024 },
      ],
    });
    // Above the threshold together with what was ordered before: the flag agrees.
    const fromStdin = await generate(user, ['--from', '-', '--max-credits', '60'], 'two\nfive\n');
    expect(fromStdin).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^1\. .*not paid again.*\n2\. completed, /),
    });
    expect((await state()).charges).toHaveLength(6);
    await stop();
  });

  it('sends nothing above the ceiling, or without a yes above the threshold', async () => {
    const { user, state, stop } = await startService();
    const six = ['a', 'b', 'c', 'd', 'e', 'f'];
    const capped = await generate(user, [...six, '--max-credits', '119']);
    expect(capped).toMatchObject({ code: 3, stdout: '' });
    expect(capped.stderr).toMatch(/may cost up to 120 credits, more than max_credits \(119\).+--max-credits/s);
    const unasked = await generate(user, six);
    expect(unasked).toMatchObject({ code: 3, stdout: '' });
    expect(unasked.stderr).toMatch(/may cost 60 to 120 credits; above 100 credits.+with --max-credits\.\n$/s);
    const asJson = await generate(user, [...six, '--json']);
    expect(asJson.code).toBe(3);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { kind: 'not_confirmed' } });
    expect((await state()).requests).toHaveLength(0);
    expect(await generate(user, [...six, '--max-credits', '120'])).toMatchObject({ code: 0 });
    expect((await state()).charges).toHaveLength(6);
    await stop();
  });

  it('names what is wrong, and its place', async () => {
    const user = { home: await packed.newHome() };
    const cases: [string[], string][] = [
      [['a', '--width', '100'], '--width: 100 must be a whole number from 256 to 2048, a multiple of 8'],
      [['a', '--colour', 'red'], 'generate has no flag --colour.'],
      [['a', '--max-credit', '5'], 'Did you mean --max-credits?'],
      [[], 'generate needs a prompt in quotation marks, or --from FILE with some.'],
      [['a', '--from', '/nowhere/list'], '--from /nowhere/list: ENOENT'],
    ];
    for (const [args, says] of cases) {
      const outcome = await generate(user, [...args, '--sandbox']);
      expect(outcome).toMatchObject({ code: 2, stdout: '' });
      expect(outcome.stderr).toContain(says);
    }
    const noKey = await generate(user, ['a']);
    expect(noKey).toMatchObject({ code: 2, stdout: '' });
    expect(noKey.stderr).toContain('DOITONG_API_KEY');
  });

  it('ends as failed when one picture fails, and saves the others', async () => {
    const user = { home: await packed.newHome() };
    const { code, stdout } = await generate(user, ['sandbox:fail', 'a fine one', '--sandbox']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^1\. failed, "sandbox:fail", .+\n2\. completed, \/.+\n$/);
  });

  it('stops waiting when its time is over, and jobs resume continues', async () => {
    const { user, state, stop } = await startService(12);
    const early = await generate(user, ['a slow one', '--wait-seconds', '0']);
    expect(early).toMatchObject({ code: 4, stdout: expect.stringMatching(/^1\. processing, "a slow one", /) });
    expect(early.stderr).toMatch(/^Unfinished: job_\w+\. .+"flux-pro-mcp jobs resume"/m);
    const resume = await packed.start(['jobs', 'resume'], user);
    expect(await ended(resume)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 saved') });
    expect((await state()).charges).toHaveLength(1);
    await stop();
  });

  it('after Ctrl+C takes back what was not sent, and says what goes on and how to resume', async () => {
    const { user, state, stop } = await startService(60, 'free');
    const program = await packed.start(['generate', 'a', 'b', 'c'], user);
    program.child.stdin.end();
    while ((await state()).charges.length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    program.child.kill('SIGINT');
    const { code, stdout, stderr } = await ended(program);
    expect(code).toBe(130);
    expect(stdout.match(/not sent, "[abc]", no credits spent/gu)).toHaveLength(2);
    expect(stderr).toMatch(/^Unfinished: job_\w+\. .+"flux-pro-mcp jobs resume" fetches them/m);
    expect((await state()).submissions).toBe(1);
    await stop();
  });
});

describe.concurrent('on a terminal', () => {
  /** Debian's program that runs another one on a terminal of its own; elsewhere it is missing or takes other arguments. */
  const script = '/usr/bin/script';
  const isHere = process.platform === 'linux' && existsSync(script);
  if (!isHere) console.warn(`generate on a terminal is not tested: ${script} is not here`);

  async function startOnTerminal(args: string, env: Record<string, string> = {}): Promise<RunningProgram> {
    const home = await packed.newHome();
    const command = `exec "${process.execPath}" "${packed.main}" generate ${args}`;
    return packed.start(['-qefc', command, '/dev/null'], { home, env, command: script });
  }

  it.skipIf(!isHere).each([
    ['yes', 0],
    ['no', 3],
  ])('asks above the threshold, and %s is the answer: exit code %i', async (answer, exit) => {
    const program = await startOnTerminal('a b --sandbox --max-credits 500', { FLUX_CONFIRM_ABOVE_CREDITS: '30' });
    while (!program.stdout().includes('Type yes to order: '))
      await new Promise((resolve) => program.child.stdout.once('data', resolve));
    expect(program.stdout()).toContain('Order 2 pictures (1024 × 1024 pixels) from Flux Pro for 20 to 40 credits?');
    program.child.stdin.write(`${answer}\n`);
    expect(await program.exit).toMatchObject({ code: exit });
    expect(filesIn(program.stdout())).toHaveLength(exit === 0 ? 2 : 0);
    if (exit !== 0) return;
    const drawn = program.stdout().split('\r\u001B[K');
    expect(drawn.filter((line) => /^\[[█░]{24}\] +\d+ % {2}\d of 2, about [^\n]+$/u.test(line)).length).toBeGreaterThan(
      1,
    );
  });

  it.skipIf(!isHere)('Ctrl+C at the question orders nothing', async () => {
    const program = await startOnTerminal('a b --sandbox', { FLUX_CONFIRM_ABOVE_CREDITS: '30' });
    while (!program.stdout().includes('Type yes to order: '))
      await new Promise((resolve) => program.child.stdout.once('data', resolve));
    program.child.stdin.write('\u0003');
    expect(await program.exit).toMatchObject({ code: 130 });
    expect(program.stdout()).toContain('Nothing was ordered and nothing was spent.');
  });
});
