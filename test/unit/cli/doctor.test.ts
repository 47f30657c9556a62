/** Proves what `doctor` prints and how it ends, in each scenario of the sandbox, without an order and without a trace. */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Sandbox, type ScenarioName, startSandbox } from '../../../sandbox/sandbox.ts';
import { run } from '../../../src/cli/run.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileJobStore } from '../../../src/storage/file-stores.ts';
import { partitionFolder } from '../../../src/storage/paths.ts';
import { sampleJob } from '../core/sample-jobs.ts';

let out: string[];
let err: string[];
let home: string;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  out = [];
  err = [];
  home = await mkdtemp(join(tmpdir(), 'flux-doctor-'));
  await mkdir(join(home, 'pictures'));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(closing.splice(0).map((close) => close()));
  await rm(home, { recursive: true, force: true });
});

async function sandboxWith(...scenarios: ScenarioName[]): Promise<Sandbox> {
  const sandbox = await startSandbox({ scenarios, seed: 'doctor' });
  closing.push(() => sandbox.close());
  return sandbox;
}

const envOf = (sandbox: Pick<Sandbox, 'url' | 'key'>): Record<string, string> => ({
  DOITONG_API_URL: sandbox.url,
  DOITONG_API_KEY: sandbox.key,
});

async function doctor(env: Record<string, string>, ...argv: string[]): Promise<number> {
  const folders = { FLUX_STATE_DIR: join(home, 'state'), FLUX_OUTPUT_DIR: join(home, 'pictures') };
  return run({ argv: ['doctor', ...argv], env: { ...folders, ...env }, program: '/dist/main.js' });
}

const text = (): string => out.join('');
/** The line of one check: its mark and what stands behind its name. */
const line = (check: string): string => new RegExp(`^(?:ok|warn|FAIL) +${check} .*$`, 'mu').exec(text())?.[0] ?? '';

type Finding = { check: string; status: string; found: string; remedy?: string };

function expectNoTrace(sandbox: Sandbox): void {
  const { submissions, charges, jobs } = sandbox.inspect();
  expect({ submissions, charges, jobs }).toEqual({ submissions: 0, charges: [], jobs: [] });
  for (const printed of [text(), err.join('')]) expect(printed).not.toContain(sandbox.key);
}

const ALL = [
  ...[
    'node',
    'key',
    'state_folder',
    'output_folder',
    'records',
    'webhooks',
    'downloads',
    'origin',
    'proxy',
    'certificates',
    'service',
    'clock',
    'plan',
  ],
  ...['authorization', 'schema', 'dialect', 'job_query', 'budget'],
];

describe('a service on a good day', () => {
  it('every check has one line, in a fixed order, and the end says what that means', async () => {
    const sandbox = await sandboxWith();
    expect(await doctor(envOf(sandbox))).toBe(0);
    const lines = text().trimEnd().split('\n');
    expect(lines.slice(0, -1).map((one) => /^ok {4}(\w+)/u.exec(one)?.[1])).toEqual(ALL);
    expect(lines.at(-1)).toBe('Ready: nothing was found that would stop an order.');
    expect(err).toEqual([]);
    expectNoTrace(sandbox);
  });

  it('prints JSON alone when asked', async () => {
    const sandbox = await sandboxWith('strict-input');
    expect(await doctor(envOf(sandbox), '--json')).toBe(0);
    const findings = JSON.parse(text()) as Finding[];
    expect(findings.map(({ check }) => check)).toEqual(ALL);
    expect(findings.every(({ status, remedy }) => status === 'ok' || remedy !== undefined)).toBe(true);
    expectNoTrace(sandbox);
  });

  it('leaves folders as they were, but for the count of its own requests', async () => {
    const sandbox = await sandboxWith();
    await doctor(envOf(sandbox));
    expect(await readdir(join(home, 'pictures'))).toEqual([]);
    const partition = partitionFolder(join(home, 'state'), sandbox.url, sandbox.key);
    expect(await readdir(partition)).toEqual(['shared']);
    expect(await readdir(join(partition, 'shared'))).toEqual([expect.stringMatching(/^rate-state\.\d+\.json$/u)]);
  });
});

describe('what differs is told, with what to do', () => {
  it.each<[ScenarioName[], Record<string, string>, Record<string, RegExp>, number]>([
    [['only-generate-image'], {}, { dialect: /^ok .*generateImage, found in the schema/u }, 0],
    [['only-rest'], {}, { schema: /no \/graphql/u, dialect: /^ok .*rest/u, job_query: /GET \/v1\/text_to_image/u }, 0],
    [
      ['no-introspection'],
      {},
      {
        schema: /does not publish its schema/u,
        dialect: /found at the first order.*costs nothing/u,
        job_query: /^ok/u,
      },
      0,
    ],
    [['renamed-query'], {}, { job_query: /^ok .*generationById\(generationId\), found in the schema/u }, 0],
    [
      ['renamed-query'],
      { DOITONG_JOB_QUERY: 'checkJobStatus(jobId)' },
      { job_query: /^FAIL .*checkJobStatus\(jobId\).* → Set DOITONG_JOB_QUERY to auto/u },
      1,
    ],
    [
      [],
      { DOITONG_WEBHOOK_URL: 'https://me.example/hook?token=hook-token', DOITONG_WEBHOOK_SECRET: 'a secret of ours' },
      { webhooks: /^warn .*only some.*DOITONG_WEBHOOK_LISTEN/u },
      0,
    ],
    [['no-rate-headers'], {}, { plan: /^warn .*reports no limit → Set DOITONG_PLAN/u }, 0],
    [['no-rate-headers'], { DOITONG_PLAN: 'pro' }, { plan: /^ok .*pro: 60 requests/u }, 0],
    [[], { DOITONG_PLAN: 'free' }, { plan: /^warn .*Set DOITONG_PLAN to auto or pro\.$/u }, 0],
    [['skewed-clock'], {}, { clock: /^warn .*10 min ahead of this one; times are corrected.* → / }, 0],
    [['proxy-html'], {}, { service: /^ok /u, dialect: /^ok/u }, 0],
    [
      [],
      { DOITONG_API_KEY: 'dt_live_wrong_key' },
      { authorization: /^FAIL .*refused the API key \(HTTP 401\).* → Set DOITONG_API_KEY/u, budget: /^ok/u },
      1,
    ],
    [
      ['only-generate-image'],
      { DOITONG_DIALECT: 'generate' },
      { dialect: /^FAIL .*offers none of generate → .*set DOITONG_DIALECT to auto\.$/u },
      1,
    ],
    [[], { FLUX_MAX_CREDITS_PER_DAY: '10' }, { budget: /^FAIL .* → .*FLUX_MAX_CREDITS_PER_DAY\.$/u }, 1],
    [[], { FLUX_MAX_IMAGES_PER_DAY: '0' }, { budget: /^FAIL .* → .*FLUX_MAX_IMAGES_PER_DAY\.$/u }, 1],
    [[], { FLUX_MAX_CREDITS_PER_CALL: '5' }, { budget: /^FAIL .* → Raise FLUX_MAX_CREDITS_PER_CALL\.$/u }, 1],
  ])('%j %j', async (scenarios, env, lines, code) => {
    const sandbox = await sandboxWith(...scenarios);
    expect(await doctor({ ...envOf(sandbox), ...env })).toBe(code);
    for (const [check, says] of Object.entries(lines)) expect(line(check)).toMatch(says);
    expect(text()).not.toMatch(/dt_live_wrong_key|a secret of ours|hook-token/u);
    expect(text()).toMatch(code === 0 ? /^Ready: /mu : /^Not ready: 1 check failed\./mu);
    expectNoTrace(sandbox);
  });
});

describe('without a service or a key', () => {
  const NOBODY = { url: 'http://127.0.0.1:9', key: 'dt_live_0123456789' };

  it('what needs no network is told all the same', async () => {
    expect(await doctor(envOf(NOBODY))).toBe(1);
    for (const check of ['node', 'key', 'state_folder', 'output_folder', 'records', 'webhooks', 'budget']) {
      expect(line(check)).toMatch(/^ok/u);
    }
    expect(line('service')).toMatch(/^FAIL .*the connection was refused.* → .*DOITONG_API_URL/u);
    expect(line('authorization')).toBe('');
    expect(text()).not.toContain(NOBODY.key);
  });

  it('a missing key is named, and the service is looked for all the same', async () => {
    const sandbox = await sandboxWith();
    expect(await doctor({ DOITONG_API_URL: sandbox.url })).toBe(1);
    expect(line('key')).toMatch(/^FAIL .*no key is set → Set DOITONG_API_KEY/u);
    expect(line('service')).toMatch(/^ok/u);
    expect(await readdir(home)).toEqual(['pictures']);
    expectNoTrace(sandbox);
  });

  it('a folder that cannot be written fails, and does not stop the look at the service', async () => {
    const sandbox = await sandboxWith();
    await writeFile(join(home, 'file'), '');
    const env = { FLUX_STATE_DIR: join(home, 'file', 'state'), FLUX_OUTPUT_DIR: join(home, 'file', 'pictures') };
    expect(await doctor({ ...envOf(sandbox), ...env })).toBe(1);
    expect(line('state_folder')).toMatch(/^FAIL .* → .*FLUX_STATE_DIR/u);
    expect(line('output_folder')).toMatch(/^FAIL .* → .*FLUX_OUTPUT_DIR/u);
    expect(line('job_query')).toMatch(/^ok/u);
    expect(text()).not.toContain('Ask the user');
    expectNoTrace(sandbox);
  });

  it('a key file is read, and one that others can read is warned of', async () => {
    const sandbox = await sandboxWith();
    const file = join(home, 'key');
    await writeFile(file, `${sandbox.key}\n`);
    const env = { DOITONG_API_URL: sandbox.url, DOITONG_API_KEY_FILE: file };
    await chmod(file, 0o600);
    expect(await doctor(env)).toBe(0);
    expect(line('key')).toMatch(/^ok/u);
    out = [];
    await chmod(file, 0o644);
    expect(await doctor(env)).toBe(0);
    expect(line('key')).toBe(
      `warn  key             in ${file}, well-formed, but other users of this machine can read it → Run: chmod 600 ${file}`,
    );
    out = [];
    expect(await doctor({ ...env, DOITONG_API_KEY_FILE: `${file}.none` })).toBe(1);
    expect(line('key')).toMatch(/^FAIL .*cannot be read \(ENOENT\)/u);
    expectNoTrace(sandbox);
  });

  it.each([
    [['--plan', 'gold'], '--plan (DOITONG_PLAN): "gold" is not allowed.'],
    [['now'], 'doctor: unexpected argument "now".'],
    [['--verbose'], 'doctor has no flag --verbose.'],
  ])('%j is bad usage', async (argv, says) => {
    expect(await doctor({}, ...argv)).toBe(2);
    expect(err.join('')).toContain(says);
    expect(out).toEqual([]);
  });
});

it('names what is unfinished with another key, and how it is taken over', async () => {
  const sandbox = await sandboxWith();
  const earlier = partitionFolder(join(home, 'state'), sandbox.url, 'the-key-of-before');
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  await createFileJobStore(earlier, { clock: systemClock, log }).add(sampleJob({ state: 'unknown' }));
  expect(await doctor(envOf(sandbox))).toBe(0);
  expect(line('other_keys')).toMatch(
    /^warn .*unfinished and may be charged: job_1 .* → Run "flux-pro-mcp jobs adopt" if /u,
  );
  expectNoTrace(sandbox);
});
