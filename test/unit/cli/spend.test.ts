/** Proves what `spend` counts: what was charged for certain, at an unknown price, and perhaps; for people and for spreadsheets. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { spendOf, spendText } from '../../../src/cli/spend.ts';
import { JOB_STATES, type Job } from '../../../src/core/job.ts';
import { idAt, systemClock } from '../../../src/runtime/system.ts';
import { createFileJobStore } from '../../../src/storage/file-stores.ts';
import { partitionFolder } from '../../../src/storage/paths.ts';
import { createMemoryJobStore } from '../../support/memory-storage.ts';
import { recordFile } from '../../support/state-files.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';
import { QUIET } from '../storage/engines.ts';

const HOUR_MS = 3_600_000;
const exact = (credits: number | null) => ({ credits: { min: 10, max: 20, exact: credits } });
const failed = (creditsSpent: 'no' | 'maybe' | 'yes') =>
  ({ state: 'failed', failure: sampleFailure({ creditsSpent }) }) as const;

let made = 0;
/** @param hours after the beginning of November */
function jobAt(hours: number, patch: Partial<Job>): Job {
  const createdAt = CREATED_AT + hours * HOUR_MS;
  made += 1;
  return sampleJob({ id: idAt(createdAt, String(made).padStart(11, '0')), createdAt, ...patch });
}

async function spendBy(by: 'day' | 'month', ...jobs: readonly Job[]) {
  const store = createMemoryJobStore();
  for (const job of jobs) await store.add(job);
  return spendOf(store.newest(), by);
}

const csvOf = async (...jobs: readonly Job[]): Promise<string> => spendText(await spendBy('day', ...jobs), true);

const JOBS: readonly Job[] = [
  jobAt(-1, { state: 'saved', ...exact(18) }),
  jobAt(0, { state: 'saved', ...exact(12) }),
  jobAt(23.9, { state: 'completed', ...exact(13.5) }),
  jobAt(25, { state: 'saved' }),
  jobAt(26, { state: 'unknown' }),
  jobAt(49, { state: 'saved', ...exact(15) }),
  jobAt(50, { state: 'saved' }),
  jobAt(51, failed('maybe')),
];

describe('the table', () => {
  it('has a line for each day (UTC), newest first, and one for all of them', async () => {
    expect(spendText(await spendBy('day', ...JOBS)).split('\n')).toEqual([
      'DAY         PICTURES        CREDITS  UNKNOWN PRICE  MAY HAVE BEEN CHARGED',
      '2026-11-03         2    at least 15              1                      1',
      '2026-11-02         1        unknown              1                      1',
      '2026-11-01         2           25.5              0                      0',
      '2026-10-31         1             18              0                      0',
      'Total              6  at least 58.5              2                      2',
    ]);
  });

  it('has a line for each month when that is wanted', async () => {
    expect(spendText(await spendBy('month', ...JOBS)).split('\n')).toEqual([
      'MONTH    PICTURES        CREDITS  UNKNOWN PRICE  MAY HAVE BEEN CHARGED',
      '2026-11         5  at least 40.5              2                      2',
      '2026-10         1             18              0                      0',
      'Total           6  at least 58.5              2                      2',
    ]);
  });
});

describe('the CSV', () => {
  it('is as RFC 4180 says: plain numbers, nothing for what is unknown, and no total', async () => {
    expect(await csvOf(...JOBS)).toBe(
      [
        'day,pictures,credits,unknown_price,may_have_been_charged',
        '2026-11-03,2,15,1,1',
        '2026-11-02,1,,1,1',
        '2026-11-01,2,25.5,0,0',
        '2026-10-31,1,18,0,0',
        '',
      ].join('\r\n'),
    );
  });

  const line = async (...patches: readonly Partial<Job>[]): Promise<string | undefined> =>
    (await csvOf(...patches.map((patch) => jobAt(1, patch)))).split('\r\n')[1]?.slice('2026-11-01,'.length);

  it.each([
    ['never sent', { state: 'queued' }, '0,0,0,0'],
    ['about to be answered', { state: 'submitting' }, '0,,0,1'],
    ['accepted, its price not known', { state: 'processing' }, '0,,0,1'],
    ['accepted at a price', { state: 'processing', ...exact(15) }, '0,15,0,0'],
    ['finished', { state: 'completed', ...exact(15) }, '1,15,0,0'],
    ['finished, its price not known', { state: 'completed' }, '1,,1,0'],
    ['free of charge', { state: 'saved', ...exact(0) }, '1,0,0,0'],
    ['of unknown outcome', { state: 'unknown' }, '0,,0,1'],
    ['refused', failed('no'), '0,0,0,0'],
    ['ended without a picture', { ...failed('maybe'), ...exact(15) }, '0,,0,1'],
    ['ended without a picture, and charged', { ...failed('yes'), ...exact(15) }, '0,15,0,0'],
    ['perhaps charged twice', { state: 'saved', ...exact(15), secondRemoteId: 'dt_2' }, '1,15,0,1'],
  ] as const)('counts an order that was %s', async (_, patch, counts) => {
    expect(await line(patch)).toBe(counts);
  });

  it.each(JOB_STATES)('leaves orders of the sandbox out: %s', async (state) => {
    expect(await line({ state, sandbox: true })).toBe('');
    expect(await line({ state: 'saved', ...exact(15) }, { state, ...exact(900), sandbox: true })).toBe('1,15,0,0');
  });

  it('adds decimals as a person does', async () => {
    expect(await line(...[0.1, 0.2, 0.3].map((credits) => ({ state: 'saved' as const, ...exact(credits) })))).toBe(
      '3,0.6,0,0',
    );
  });
});

describe('the command', () => {
  const KEY = 'dt_live_4711abcdef';
  const SERVICE = 'https://api.doitong.com';
  let state: string;
  let out: string[];
  let err: string[];
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'flux-spend-'));
    [out, err] = [[], []];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(state, { recursive: true, force: true });
  });

  const folder = (): string => partitionFolder(state, SERVICE, KEY);
  const store = () => createFileJobStore(folder(), { clock: systemClock, log: QUIET });
  const start = (argv: string[], env: Record<string, string> = { DOITONG_API_KEY: KEY }): Promise<number> =>
    run({
      argv: ['spend', ...argv],
      env: { FLUX_STATE_DIR: state, FLUX_OUTPUT_DIR: '/p', ...env },
      program: '/dist/main.js',
    });

  it('says that there are no orders, and makes nothing', async () => {
    expect(await start([])).toBe(0);
    expect(out.join('')).toBe(`There are no orders on record for ${SERVICE} and this key.\nRecords: ${folder()}\n`);
    expect(await readdir(state)).toEqual([]);
  });

  it('prints the header alone as CSV when there are no orders', async () => {
    expect(await start(['--csv', '--by', 'month'])).toBe(0);
    expect(out.join('')).toBe('month,pictures,credits,unknown_price,may_have_been_charged\r\n');
  });

  it('says whose orders the table is about, and what is missing in it', async () => {
    for (const job of JOBS) await store().add(job);
    const [lost] = JOBS;
    await writeFile(recordFile(folder(), lost?.id ?? ''), '{"format":1');
    expect(await start([])).toBe(0);
    expect(out.join('')).toContain('\nTotal              5  at least 40.5  ');
    expect(out.join('')).toMatch(
      new RegExp(
        `\n\nOf the orders on record for ${SERVICE} and this key, by when .+\nNot counted: 1 damaged record \\(see jobs list\\)\\.\nRecords: .+\n$`,
      ),
    );
    out = [];
    expect(await start(['--csv'])).toBe(0);
    expect(out.join('').split('\r\n')).toHaveLength(5);
    expect(err.join('')).toContain('Not counted: 1 damaged record');
  });

  it.each([
    [['--by', 'year'], '--by: "year" is not allowed. Allowed: day, month.'],
    [['--by'], '--by needs a value.'],
    [['--csv=1'], '--csv is a switch'],
    [['today'], 'spend: unexpected argument "today".'],
    [['--limit', '3'], 'spend has no flag --limit.'],
  ])('%j is refused', async (argv, says) => {
    expect(await start(argv)).toBe(2);
    expect(err.join('')).toContain(`flux-pro-mcp: ${says}`);
    expect(out).toEqual([]);
  });

  it('names the key that is missing', async () => {
    expect(await start([], {})).toBe(2);
    expect(err.join('')).toMatch(/^flux-pro-mcp: spend needs your key .+ DOITONG_API_KEY_FILE\.\n$/u);
  });
});
