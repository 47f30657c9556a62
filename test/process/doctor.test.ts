/** The packed program's `doctor` against the packed sandbox: lines, JSON, exit codes, and nothing ordered. */
import { afterAll, describe, expect, it } from 'vitest';
import type { SandboxState } from '../../sandbox/sandbox.ts';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

type Service = { program: RunningProgram; url: string; key: string };

/** The packed `sandbox` command, once its first line is there. */
async function startService(...scenarios: string[]): Promise<Service> {
  const program = await packed.start(['sandbox', ...scenarios.flatMap((name) => ['--scenario', name])]);
  while (!program.stdout().includes('\n')) {
    await new Promise((resolve, reject) => {
      program.child.stdout.once('data', resolve);
      program.child.once('close', () => reject(new Error(`the sandbox ended: ${program.stderr()}`)));
    });
  }
  return { program, ...(JSON.parse(program.stdout()) as { url: string; key: string }) };
}

type Outcome = { code: number | null; stdout: string; stderr: string };

async function doctor(env: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const program = await packed.start(['doctor', ...args], { env });
  program.child.stdin.end();
  const { code } = await program.exit;
  const [stdout, stderr] = [program.stdout(), program.stderr()];
  if (env.DOITONG_API_KEY !== undefined) expect(stdout + stderr).not.toContain(env.DOITONG_API_KEY);
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
  return { code, stdout, stderr };
}

async function expectNothingOrdered({ url, key }: Service): Promise<void> {
  const state = (await (await fetch(`${url}/sandbox/state`, { headers: { 'x-api-key': key } })).json()) as SandboxState;
  expect({ submissions: state.submissions, charges: state.charges }).toEqual({ submissions: 0, charges: [] });
}

describe.concurrent('doctor', () => {
  it('finds nothing in the way of a generation', async () => {
    const service = await startService();
    const { code, stdout, stderr } = await doctor({ DOITONG_API_URL: service.url, DOITONG_API_KEY: service.key });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ok {4}node .*\n/);
    expect(stdout).not.toMatch(/^(?:warn|FAIL)/m);
    expect(stdout).toMatch(/^ok {4}job_query +checkJobStatus\(jobId\), found in the schema/m);
    expect(stdout).toMatch(/\nReady: nothing was found that would stop an order\.\n$/);
    await expectNothingOrdered(service);
  });

  it('tells what differs as JSON', async () => {
    const service = await startService('only-rest', 'skewed-clock');
    const env = { DOITONG_API_URL: service.url, DOITONG_API_KEY: service.key };
    const { code, stdout, stderr } = await doctor(env, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const found = JSON.parse(stdout) as { check: string; status: string; found: string; remedy?: string }[];
    expect(found.find(({ check }) => check === 'dialect')).toMatchObject({
      status: 'ok',
      found: expect.stringMatching(/^rest/),
    });
    expect(found.find(({ check }) => check === 'clock')).toMatchObject({ status: 'warn', remedy: expect.any(String) });
    await expectNothingOrdered(service);
  });

  it('a key that is refused fails', async () => {
    const service = await startService();
    const env = { DOITONG_API_URL: service.url, DOITONG_API_KEY: 'dt_live_wrong_key' };
    const { code, stdout, stderr } = await doctor(env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^FAIL {2}authorization .*HTTP 401.* → Set DOITONG_API_KEY/m);
    await expectNothingOrdered(service);
  });

  it('with nobody there and no key it says both, and what is well', async () => {
    const { code, stdout, stderr } = await doctor({ DOITONG_API_URL: 'http://127.0.0.1:9' });
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^FAIL {2}key .*no key is set → Set DOITONG_API_KEY/m);
    expect(stdout).toMatch(/^FAIL {2}service .*the connection was refused.* → /m);
    expect(stdout).toMatch(/^ok {4}output_folder .*writable/m);
  });

  it('bad settings are bad usage', async () => {
    expect(await doctor({ DOITONG_PLAN: 'gold' })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('DOITONG_PLAN: "gold" is not allowed.'),
    });
  });
});
