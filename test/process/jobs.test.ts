/** The records from the shell, with the packed program: list and show without the service, resume after a kill. */
import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { SandboxState } from '../../sandbox/sandbox.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { startFaultServer } from '../support/fault-server.ts';
import { type Home, type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { RawHost, textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

type Service = { program: RunningProgram; url: string; key: string };

/** The packed `sandbox` command, once its first line is there. */
async function startService(jobSeconds: number, plan = 'pro'): Promise<Service> {
  const program = await packed.start(['sandbox', '--job-seconds', String(jobSeconds), '--plan', plan]);
  while (!program.stdout().includes('\n')) {
    await new Promise((resolve, reject) => {
      program.child.stdout.once('data', resolve);
      program.child.once('close', () => reject(new Error(`the sandbox ended: ${program.stderr()}`)));
    });
  }
  return { program, ...(JSON.parse(program.stdout()) as { url: string; key: string }) };
}

async function stop({ program }: Service): Promise<void> {
  program.child.kill('SIGTERM');
  await program.exit;
}

async function stateOf({ url, key }: Service): Promise<SandboxState> {
  return (await (await fetch(`${url}/sandbox/state`, { headers: { 'x-api-key': key } })).json()) as SandboxState;
}

/** A user of that service: what its servers and its shell have in common. */
type User = { home: Home; env: Record<string, string> };

async function userOf(service: Service): Promise<User> {
  return { home: await packed.newHome(), env: { DOITONG_API_URL: service.url, DOITONG_API_KEY: service.key } };
}

async function serve(user: User): Promise<{ host: RawHost; program: RunningProgram }> {
  const program = await packed.start(['serve'], user);
  const host = new RawHost(program);
  await host.handshake();
  return { host, program };
}

type Outcome = { code: number | null; stdout: string; stderr: string };

async function jobs(user: User, ...args: string[]): Promise<Outcome> {
  const program = await packed.start(['jobs', ...args], user);
  program.child.stdin.end();
  const { code } = await program.exit;
  const [stdout, stderr] = [program.stdout(), program.stderr()];
  expect(stdout + stderr).not.toContain(user.env.DOITONG_API_KEY);
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
  return { code, stdout, stderr };
}

const ORDER = { prompt: 'Two herons over a marsh', width: 512, height: 256 };
/** Orders a picture. @returns its id, once the service has the order */
async function ordered(host: RawHost, order: typeof ORDER): Promise<string> {
  const id = idIn(textOf(await host.call('generate_image', { ...order, wait_seconds: 0 })));
  while (!/the service says/.test(textOf(await host.call('get_job_status', { job_id: id, wait_seconds: 1 }))));
  return id;
}
const idIn = (text: string): string => /\bjob_[a-z0-9]+\b/.exec(text)?.[0] ?? 'no id';

describe.concurrent('jobs', () => {
  it('lists and shows what was ordered when the service is gone', async () => {
    const service = await startService(1);
    const user = await userOf(service);
    const none = await jobs(user);
    expect(none).toMatchObject({ code: 0, stderr: '' });
    expect(none.stdout).toMatch(
      /^There are no jobs on record for http:\/\/127\.0\.0\.1:\d+ and this key\.\nRecords: .+\n$/,
    );

    const { host, program } = await serve(user);
    const answer = textOf(await host.call('generate_image', ORDER));
    const [, file = 'no file'] = /^File: (.+)$/m.exec(answer) ?? [];
    program.child.stdin.end();
    await program.exit;
    await stop(service);

    const id = idIn(answer);
    const list = await jobs(user, 'list');
    expect(list).toMatchObject({ code: 0, stderr: '' });
    const [head, row, ...rest] = list.stdout.split('\n');
    expect(head).toMatch(/^JOB +STATUS +CREATED +CREDITS +PROMPT +FILE$/);
    expect(row).toMatch(
      new RegExp(`^${id}  completed  \\d+ [A-Z][a-z]+ \\d{4}, \\d\\d:\\d\\d +\\d+ +${ORDER.prompt}  `),
    );
    expect(row?.endsWith(`  ${file}`)).toBe(true);
    expect(rest).toContain('1 job.');

    const json = await jobs(user, '--json');
    expect(json).toMatchObject({ code: 0, stderr: '' });
    const [listed] = JSON.parse(json.stdout) as { job_id: string; doitong_id: string }[];
    expect(listed).toMatchObject({ job_id: id, status: 'completed', file, ...ORDER });

    for (const known of [id, listed?.doitong_id ?? 'no id']) {
      const shown = await jobs(user, 'show', known);
      expect(shown).toMatchObject({ code: 0, stderr: '' });
      // The facts are those that the agent was told, since nothing has happened; what to do is for a person.
      const ofAgents = /^(?:This answer shows|Note:|Next:) |credits are left\.$/;
      const facts = answer.split('\n').filter((line) => !ofAgents.test(line));
      const own = /^(?:Ordered|Next): /;
      const lines = shown.stdout.split('\n');
      expect(
        lines
          .filter((line) => !own.test(line))
          .join('\n')
          .trimEnd(),
      ).toBe(facts.join('\n').trimEnd());
      expect(lines.slice(-3)).toEqual([expect.stringMatching(/^Ordered: \d+ \w+ \d{4}, /), 'Next: Open the file.', '']);
      expect(JSON.parse((await jobs(user, 'show', known, '--json')).stdout)).toEqual(listed);
    }
    expect(await jobs(user, 'show', 'job_none')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^flux-pro-mcp: there is no job "job_none" on record for /),
    });
    expect(await jobs(user, 'resume')).toMatchObject({ code: 0, stderr: '' });
  });

  it('resumes what a killed server has left, without ordering it again', async () => {
    const service = await startService(20);
    const user = await userOf(service);
    const { host, program } = await serve(user);
    const id = await ordered(host, ORDER);
    program.child.kill('SIGKILL');
    await program.exit;

    const before = JSON.parse((await jobs(user, '--json', '--status', 'processing')).stdout) as unknown[];
    expect(before).toMatchObject([{ job_id: id, status: 'processing' }]);

    const short = await jobs(user, 'resume', '--wait-seconds', '0');
    expect(short).toMatchObject({ code: 1, stderr: '' });
    expect(short.stdout).toMatch(/^Resuming 1 job, for at most 0 s\.\n/);
    expect(short.stdout).toMatch(/^1 job: 0 saved, 0 failed, 1 left unfinished\. /m);

    const whole = await jobs(user, 'resume');
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    expect(whole.stdout).toMatch(/^1 job: 1 saved, 0 failed, 0 left unfinished\. Nothing new was ordered\.$/m);
    const [, file = 'no file'] = new RegExp(`^${id}: completed, (/.+)$`, 'm').exec(whole.stdout) ?? [];
    expect(await decodeJpeg(await readFile(file))).toMatchObject({ width: 512, height: 256 });

    const { charges, submissions } = await stateOf(service);
    expect({ charges: charges.length, submissions }).toEqual({ charges: 1, submissions: 1 });
    expect(await jobs(user, 'resume')).toMatchObject({
      code: 0,
      stdout: 'There is nothing to resume: no job is unfinished.\n',
    });
    await stop(service);
  });

  it('cancel takes an order back that a running server has not sent, and no other', async () => {
    const service = await startService(60, 'free');
    const user = await userOf(service);
    const { host, program } = await serve(user);
    const running = await ordered(host, { ...ORDER, prompt: 'The only one that the plan allows at a time' });
    const next = { ...ORDER, prompt: 'One that waits for its turn', wait_seconds: 0 };
    const waiting = idIn(textOf(await host.call('generate_image', next)));
    expect((await jobs(user, '--status', 'queued')).stdout).toContain(`\n${waiting} `);

    const cancelled = await jobs(user, 'cancel', waiting);
    expect(cancelled).toMatchObject({ code: 0, stderr: '' });
    expect(cancelled.stdout).toContain(`${waiting} was cancelled before it was sent`);
    const told = textOf(await host.call('get_job_status', { job_id: waiting, wait_seconds: 60 }));
    expect(told).toMatch(/The user cancelled this order before it was sent\. No credits were spent\./);

    const sent = await jobs(user, 'cancel', running);
    expect(sent).toMatchObject({ code: 1, stdout: '' });
    expect(sent.stderr).toContain('the service cannot cancel an order: the job continues and may be charged');
    program.child.stdin.end();
    await program.exit;
    expect((await stateOf(service)).submissions).toBe(1);
    await stop(service);
  });

  it('adopt takes over what a server with another key has left, as soon as that has ended', async () => {
    const service = await startService(1);
    const wire = await startFaultServer(service.url);
    const before = await userOf({ ...service, url: wire.url });
    const { host, program } = await serve(before);
    // The service has the order, and its server does not learn that.
    wire.script(['stall']);
    wire.script(
      Array.from({ length: 100 }, () => 'stall'),
      'status',
    );
    const id = idIn(textOf(await host.call('generate_image', { ...ORDER, wait_seconds: 2 })));
    wire.rotateKey(service.key, 'dt_live_the_key_of_today');
    const today = { ...before, env: { ...before.env, DOITONG_API_KEY: 'dt_live_the_key_of_today' } };

    const busy = await jobs(today, 'adopt');
    expect(busy).toMatchObject({ code: 1, stderr: '' });
    expect(busy.stdout).toContain(`Not taken over: ${id}. A server is using that key`);
    expect((await jobs(before, '--json')).stdout).toContain(id);
    program.child.kill('SIGKILL');
    await program.exit;
    for (const says of [`Adopted: ${id}. `, 'There was nothing to adopt.'])
      expect(await jobs(today, 'adopt')).toMatchObject({ code: 0, stdout: expect.stringContaining(says), stderr: '' });

    expect((await jobs(today, 'show', id)).stdout).toContain('was sent with another API key');
    expect((await jobs(before)).stdout).toMatch(/^There are no jobs on record/);
    expect((await stateOf(service)).charges).toHaveLength(1);
    await wire.close();
    await stop(service);
    // It waits twice for signs of life.
  }, 180_000);

  it('resume ends soon after an interruption, and the job goes on', async () => {
    const service = await startService(60);
    const user = await userOf(service);
    const { host, program } = await serve(user);
    await ordered(host, ORDER);
    program.child.kill('SIGKILL');
    await program.exit;

    const resume = await packed.start(['jobs', 'resume'], user);
    while (!resume.stdout().includes(': processing')) await new Promise((ok) => resume.child.stdout.once('data', ok));
    resume.child.kill('SIGINT');
    expect(await resume.exit).toMatchObject({ code: 1, signal: null });
    expect(resume.stdout()).toContain('1 left unfinished');
    expect(resume.stderr()).toBe('');
    expect((await jobs(user, '--status', 'processing')).stdout).toContain('1 job with the status processing.');
    await stop(service);
  });

  it('tells what is missing where there is no key, and what it takes', async () => {
    const home = await packed.newHome();
    const none = await packed.start(['jobs'], { home });
    expect(await none.exit).toMatchObject({ code: 2 });
    expect(none.stderr()).toMatch(/^flux-pro-mcp: jobs needs your key .+DOITONG_API_KEY/);
    expect(none.stdout()).toBe('');
    const help = await packed.start(['jobs', '--help'], { home });
    expect(await help.exit).toMatchObject({ code: 0 });
    for (const part of [
      'jobs [list|show|resume|cancel|adopt|purge] [ID]',
      '--limit N',
      '--json',
      '--state-dir, FLUX_STATE_DIR',
    ]) {
      expect(help.stdout()).toContain(part);
    }
  });
});
