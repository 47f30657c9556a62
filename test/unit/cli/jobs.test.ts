/** Proves how `jobs` reads the records of one key: its words and flags, its exit codes, and that no secret gets out. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { JOB_STATES, type Job } from '../../../src/core/job.ts';
import { TOOLS } from '../../../src/mcp/catalogue.ts';
import { jobView } from '../../../src/mcp/job-view.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileJobStore } from '../../../src/storage/file-stores.ts';
import { partitionFolder } from '../../../src/storage/paths.ts';
import { recordFile } from '../../support/state-files.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const KEY = 'dt_live_4711abcdef';
const SERVICE = 'https://api.doitong.com';

let out: string[];
let err: string[];
let state: string;
beforeEach(async () => {
  out = [];
  err = [];
  vi.stubEnv('TZ', 'America/New_York');
  state = await mkdtemp(join(tmpdir(), 'flux-jobs-'));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(state, { recursive: true, force: true });
});

const start = (argv: string[], env: Record<string, string> = { DOITONG_API_KEY: KEY }): Promise<number> =>
  run({
    argv: ['jobs', ...argv],
    env: { FLUX_STATE_DIR: state, FLUX_OUTPUT_DIR: '/p', ...env },
    program: '/dist/main.js',
  });

const folder = (service = SERVICE, key = KEY): string => partitionFolder(state, service, key);
const keep = (...jobs: Partial<Job>[]): Promise<void> => keepIn(folder(), ...jobs);
async function keepIn(partition: string, ...jobs: Partial<Job>[]): Promise<void> {
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const jobStore = createFileJobStore(partition, { clock: systemClock, log });
  for (const job of jobs) await jobStore.add(sampleJob(job));
}

describe('bad usage', () => {
  it.each([
    [['all'], 'jobs: "all" is not allowed. Allowed: list, show, resume, cancel, adopt, purge.'],
    [['lst'], 'jobs: "lst" is not allowed. Did you mean list?'],
    [['list', 'job_1'], 'jobs list: unexpected argument "job_1".'],
    [['resume', 'job_1'], 'jobs resume: unexpected argument "job_1".'],
    [['show'], 'jobs show needs ID, the id of a job. jobs list shows them.'],
    [['cancel'], 'jobs cancel needs ID, the id of a job. jobs list shows them.'],
    [['cancel', 'job_1', '--json'], '--json is for jobs list, not for jobs cancel.'],
    [['show', 'job_1', 'job_2'], 'jobs: unexpected argument "job_2".'],
    [['show', 'job_1', '--limit', '5'], '--limit is for jobs list, not for jobs show.'],
    [['resume', '--json'], '--json is for jobs list, not for jobs resume.'],
    [['--wait-seconds', '5'], '--wait-seconds is for jobs resume, not for jobs list.'],
    [['--limit', '0'], '--limit: "0" is not allowed. Allowed: a whole number from 1 to 1000.'],
    [['--limit', '1001'], '--limit: "1001" is not allowed. Allowed: a whole number from 1 to 1000.'],
    [['resume', '--wait-seconds', '-1'], '--wait-seconds: "-1" is not allowed.'],
    [['--status', 'saved'], '--status: "saved" is not allowed. Allowed: queued, submitting, processing, completed,'],
    [['--result', 'text'], 'jobs has no flag --result.'],
  ])('%j is refused', async (argv, says) => {
    expect(await start(argv)).toBe(2);
    expect(err.join('')).toContain(`flux-pro-mcp: ${says}`);
    expect(out).toEqual([]);
  });

  it('a missing key is named, and what it is for', async () => {
    expect(await start([], {})).toBe(2);
    expect(err.join('')).toMatch(
      /^flux-pro-mcp: jobs needs your key to find the records, .+ Set DOITONG_API_KEY or DOITONG_API_KEY_FILE\.\n$/u,
    );
    expect(out).toEqual([]);
  });

  it('a key file that cannot be read is named without a stack', async () => {
    expect(await start([], { DOITONG_API_KEY_FILE: join(state, 'none') })).toBe(1);
    expect(err.join('')).toContain(`${join(state, 'none')} cannot be read (ENOENT).`);
    expect(err.join('')).not.toMatch(/^\s+at /mu);
  });
});

describe('list', () => {
  it('says where the records would be, and makes nothing', async () => {
    expect(await start([])).toBe(0);
    expect(out.join('')).toBe(`There are no jobs on record for ${SERVICE} and this key.\nRecords: ${folder()}\n`);
    expect(await readdir(state)).toEqual([]);
  });

  it('shows the newest of a status, and only those of this service and key', async () => {
    await keep(...[1, 2, 3].map((n): Partial<Job> => ({ id: `job_${n}`, createdAt: CREATED_AT + n, state: 'saved' })), {
      id: 'job_4',
      createdAt: CREATED_AT + 4,
      state: 'failed',
    });
    expect(await start(['list', '--status', 'completed', '--limit', '2'])).toBe(0);
    expect(out.join('').match(/^job_\S+/gmu)).toEqual(['job_3', 'job_2']);
    expect(out.join('')).toContain('The newest 2 jobs with the status completed; --limit N shows more.');
    out = [];
    await start([], { DOITONG_API_KEY: 'another-key' });
    await start(['--api-url', 'https://elsewhere.example']);
    expect(out.join('').match(/^There are no jobs/gmu)).toHaveLength(2);
  });

  it('prints the objects of the tools as JSON, alone', async () => {
    await keep({ id: 'job_1' }, { id: 'job_2', createdAt: CREATED_AT + 1, state: 'processing', remoteId: 'dt_9' });
    expect(await start(['--json'])).toBe(0);
    const view = { now: systemClock.now() };
    expect(JSON.parse(out.join(''))).toEqual([
      jobView(sampleJob({ id: 'job_2', createdAt: CREATED_AT + 1, state: 'processing', remoteId: 'dt_9' }), view),
      jobView(sampleJob({ id: 'job_1' }), view),
    ]);
    expect(err).toEqual([]);
  });

  it('prints an empty array where there is nothing', async () => {
    expect(await start(['--json'])).toBe(0);
    expect(out.join('')).toBe('[]\n');
  });

  it('reads records of any length', async () => {
    const prompt = '狐'.repeat(30_000);
    await keep({ id: 'job_1', request: { prompt, width: 256, height: 256 } });
    expect(await start(['--json'])).toBe(0);
    expect(JSON.parse(out.join(''))).toMatchObject([{ prompt }]);
  });

  it('reads the key from its file', async () => {
    await keep({ id: 'job_1' });
    await writeFile(join(state, 'key'), `${KEY}\n`);
    expect(await start([], { DOITONG_API_KEY_FILE: join(state, 'key') })).toBe(0);
    expect(out.join('')).toContain('\njob_1 ');
  });

  it('counts the damaged records that were set aside, now or before', async () => {
    await keep({ id: 'job_1' }, { id: 'job_2' });
    await writeFile(recordFile(folder(), 'job_2'), '{"format":1,"value"');
    for (const _ of [1, 2]) {
      out = [];
      expect(await start([])).toBe(0);
      expect(out.join('')).toContain(`1 damaged record is set aside in ${join(folder(), 'damaged')} and not listed.`);
      expect(out.join('')).toContain('\njob_1 ');
    }
    expect(err.join('').match(/a damaged job record was set aside/gu)).toHaveLength(1);
  });
});

describe('show', () => {
  it.each(['job_1', 'dt_9'])('prints the job as a person reads it: %s', async (id) => {
    await keep({ id: 'job_1', remoteId: 'dt_9', state: 'saved', file: '2026-11/fox.jpg' }, { id: 'job_2' });
    expect(await start(['show', id])).toBe(0);
    expect(out.join('')).toMatch(/^The picture is finished and saved\.\nFile: \/p\/2026-11\/fox\.jpg\n/u);
    expect(out.join('')).toContain('Job: job_1 (at Doitong: dt_9)');
    expect(out.join('')).toMatch(/\nOrdered: 31 Oct 2026, 20:00\nNext: Open the file\.\n$/u);
  });

  it.each(JOB_STATES)('tells a person, and no agent, what to do: %s', async (state) => {
    const failure = sampleFailure({
      kind: 'service_error',
      reason: { code: 'answer_lost', purpose: 'submit', how: 'too_late' },
    });
    await keep({ id: 'job_1', state, ...(state === 'saved' ? { file: 'fox.jpg' } : { failure }) });
    expect(await start(['show', 'job_1'])).toBe(0);
    expect(out.join('')).toMatch(/\nNext: .+\.\n$/u);
    for (const { name } of TOOLS) expect(out.join('')).not.toContain(name);
    expect(out.join('')).not.toMatch(/(?:ask|tell) the user|allow_duplicate|job_id/iu);
  });

  it('says what the user should know of the job: that it may have been charged twice', async () => {
    await keep({ id: 'job_1', remoteId: 'dt_9', secondRemoteId: 'dt_10', state: 'saved', file: 'fox.jpg' });
    expect(await start(['show', 'job_1'])).toBe(0);
    expect(out.join('')).toContain(
      '\nThe service made two jobs from this order ("dt_9" and "dt_10") and may have charged both',
    );
  });

  it("removes from the service's words what could control a terminal", async () => {
    const failure = sampleFailure({ reason: { code: 'worded', what: 'No\u001B[2J picture\u202E.' } });
    await keep({ id: 'job_1', state: 'failed', failure });
    expect(await start(['show', 'job_1'])).toBe(0);
    expect(out.join('')).toContain('No [2J picture .');
  });

  it('prints one object as JSON', async () => {
    await keep({ id: 'job_1' });
    expect(await start(['show', 'job_1', '--json'])).toBe(0);
    expect(JSON.parse(out.join(''))).toMatchObject({ job_id: 'job_1', status: 'queued', prompt: 'a fox' });
  });

  it.each(['job_2', '../job_1', '\u001B[2J'])('says so when there is no such job: %j', async (id) => {
    await keep({ id: 'job_1' });
    expect(await start(['show', id])).toBe(1);
    expect(err.join('')).toMatch(
      /^flux-pro-mcp: there is no job ".+" on record for https:\/\/api\.doitong\.com and this key\. .+\n$/u,
    );
    expect(err.join('')).not.toContain('\u001B');
    expect(out).toEqual([]);
  });
});

describe('adopt', () => {
  const EARLIER = 'the-key-of-before';
  const OTHER = 'https://elsewhere.example';

  it('takes over what an earlier key has left, once, and leaves another service alone', async () => {
    const earlier = folder(SERVICE, EARLIER);
    await keepIn(earlier, { id: 'job_1', state: 'processing', remoteId: 'dt_1' }, { id: 'job_2', state: 'submitting' });
    await keepIn(earlier, { id: 'job_3', state: 'saved', file: 'fox.jpg' }, { id: 'job_4', state: 'queued' });
    await keepIn(folder(OTHER), { id: 'job_5', state: 'unknown' });

    await start(['list']);
    expect(out.join('')).toContain(
      `Orders with another API key or service are unfinished and may be charged: job_2, job_1, job_5 (in ${earlier}, ${folder(OTHER)}). Run "flux-pro-mcp jobs adopt" if `,
    );
    out = [];
    await start(['--json']);
    expect(JSON.parse(out.join(''))).toEqual([]);
    expect(err.join('')).toContain('job_2, job_1, job_5');
    out = [];
    expect(await start(['adopt'])).toBe(0);
    expect(out.join('')).toMatch(
      /^Adopted: job_2, job_1\. Next: jobs resume fetches the pictures; .+ is not sent again /u,
    );
    expect(out.join('')).toMatch(/unfinished and may be charged: job_5 \(in .+\)\. Set DOITONG_API_URL and the key/u);
    out = [];
    await start(['--json']);
    const listed = JSON.parse(out.join('')) as { job_id: string; status: string }[];
    expect(listed.map(({ job_id: id, status }) => `${id} ${status}`)).toEqual(['job_2 unknown', 'job_1 processing']);
    await start(['list'], { DOITONG_API_KEY: EARLIER });
    expect(out.join('').match(/^job_\d/gmu)).toEqual(['job_4', 'job_3']);
    out = [];
    expect(await start(['adopt'])).toBe(0);
    expect(out.join('')).toMatch(/^There was nothing to adopt\.\n/u);
  });
});

describe('cancel', () => {
  it('takes back what was never sent, and says the same when asked again', async () => {
    await keep({ id: 'job_1', state: 'queued' });
    for (const _ of [1, 2]) {
      out = [];
      expect(await start(['cancel', 'job_1'])).toBe(0);
      expect(out.join('')).toBe(
        'job_1 was cancelled before it was sent: nothing was ordered, and no credits were spent.\n',
      );
    }
    out = [];
    await start(['show', 'job_1', '--json']);
    const error = { kind: 'interrupted', credits_spent: 'no' };
    expect(JSON.parse(out.join(''))).toMatchObject({ status: 'failed', error });
  });

  it.each(['submitting', 'processing', 'completed', 'unknown'] as const)(
    'leaves an order that was sent as it is, and says that it may be charged: %s',
    async (state) => {
      await keep({ id: 'job_1', state, remoteId: 'dt_9' });
      expect(await start(['cancel', 'dt_9'])).toBe(1);
      expect(err.join('')).toMatch(/^flux-pro-mcp: job_1 has been sent, .+ cannot cancel .+ may be charged\. /u);
      expect(out).toEqual([]);
      await start(['show', 'job_1', '--json']);
      expect(JSON.parse(out.join(''))).toMatchObject({ status: state });
    },
  );

  it('has nothing to do for a job that has ended', async () => {
    await keep({ id: 'job_1', state: 'saved', file: 'fox.jpg' });
    expect(await start(['cancel', 'job_1'])).toBe(1);
    expect(err.join('')).toBe('flux-pro-mcp: job_1 has already ended (completed): there is nothing to cancel.\n');
  });

  it('names a job that is not on record', async () => {
    expect(await start(['cancel', 'job_1'])).toBe(1);
    expect(err.join('')).toContain('flux-pro-mcp: there is no job "job_1" on record for');
  });
});

describe('a secret in a record', () => {
  const failure = sampleFailure({ reason: { code: 'worded', what: `The key ${KEY} was refused.` } });
  // Cut in the midst of the key, it would not be recognised any more.
  const prompts = [`My key is ${KEY}`, `${'x'.repeat(30)} ${KEY}`, `"authorization": \\"${KEY}\\"`];

  it.each(prompts)('shows nowhere: %s', async (prompt) => {
    await keep({ id: 'job_1', request: { prompt, width: 256, height: 256 }, state: 'failed', failure });
    await writeFile(join(state, 'key'), KEY);
    const env = { DOITONG_API_KEY_FILE: join(state, 'key') };
    for (const argv of [['list'], ['list', '--json'], ['show', 'job_1'], ['show', 'job_1', '--json'], ['show', KEY]]) {
      await start(argv, env);
    }
    const printed = [...out, ...err].join('');
    expect(printed).toContain('[redacted]');
    expect(printed).not.toContain(KEY.slice(0, 12));
    for (const json of out.filter((text) => /^[[{]/u.test(text))) expect(() => JSON.parse(json)).not.toThrow();
  });
});
