/** Proves what `jobs purge` removes and what it never touches, in which order, and that it asks first. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PurgeOptions, purge, typedYes } from '../../../src/cli/jobs-purge.ts';
import { run } from '../../../src/cli/run.ts';
import { JOB_STATES, type Job } from '../../../src/core/job.ts';
import type { JobStore } from '../../../src/core/job-store.ts';
import { idAt } from '../../../src/runtime/system.ts';
import { createMemoryJobStore } from '../../support/memory-storage.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const DAY_MS = 24 * 60 * 60_000;
const NOW = CREATED_AT;

let base: string;
let output: string;
let store: JobStore;
let said: string[];
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'flux-purge-'));
  output = join(base, 'pictures');
  store = createMemoryJobStore();
  said = [];
});
afterEach(() => rm(base, { recursive: true, force: true }));

let made = 0;
async function keep(daysAgo: number, patch: Partial<Job> = {}): Promise<Job> {
  const createdAt = NOW - daysAgo * DAY_MS;
  made += 1;
  const id = idAt(createdAt, String(made).padStart(11, '0'));
  const job = sampleJob({ id, state: 'saved', createdAt, updatedAt: createdAt, savedAt: createdAt, ...patch });
  await store.add(job);
  return job;
}

/** With a picture and the file about it. */
async function keepPicture(daysAgo: number, where = join(output, '2026-09')): Promise<Job & { file: string }> {
  const job = await keep(daysAgo);
  const file = join(where, `fox_${job.id}.jpg`);
  await mkdir(where, { recursive: true });
  for (const [path, text] of [
    [file, 'picture'],
    [aboutOf(file), JSON.stringify({ job_id: job.id }, undefined, 2)],
  ] as const) {
    await writeFile(path, text);
    await utimes(path, job.updatedAt / 1_000, job.updatedAt / 1_000);
  }
  await store.add({ ...job, file });
  return { ...job, file };
}
const aboutOf = (file: string): string => file.replace('.jpg', '.json');

const start = (options: Partial<PurgeOptions> = {}, deps: Partial<Parameters<typeof purge>[0]> = {}): Promise<number> =>
  purge(
    {
      store,
      output,
      reserved: async () => new Set<string>(),
      now: NOW,
      say: (line) => void said.push(line),
      ask: async () => true,
      ...deps,
    },
    { days: 30, pictures: false, mode: 'yes', ...options },
  );

async function left(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.newest()) ids.push(id);
  return ids;
}

describe('records', () => {
  it.each(JOB_STATES)('of orders that ended long ago go, and no others: %s', async (state) => {
    const { id } = await keep(31, { state, ...(state === 'failed' && { failure: sampleFailure() }) });
    expect(await start()).toBe(0);
    expect(await left()).toEqual(state === 'saved' || state === 'failed' ? [] : [id]);
  });

  it.each([
    ['ordered', { createdAt: NOW - 29 * DAY_MS }],
    ['changed', { updatedAt: NOW - 29 * DAY_MS }],
    ['saved', { savedAt: NOW - 29 * DAY_MS }],
    ['changed in the future, by another clock', { updatedAt: NOW + DAY_MS }],
  ])('stay when they were %s later', async (_, patch) => {
    const { id } = await keep(100, patch);
    expect(await start()).toBe(0);
    expect(await left()).toEqual([id]);
    expect(said).toEqual(['There is nothing to remove: no order on record ended more than 30 days ago.']);
  });

  it('stay while a reservation needs them', async () => {
    const [one, other] = [await keep(40), await keep(41)];
    expect(await start({}, { reserved: async () => new Set([one.id]) })).toBe(0);
    expect(await left()).toEqual([one.id]);
    expect(other.id).not.toBe(one.id);
  });

  it('of a newer version stay', async () => {
    const { id } = await keep(40);
    const newer = { ...store, read: async () => ({ ...(await store.read(id)), isNewer: true }) } as unknown as JobStore;
    expect(await start({}, { store: newer })).toBe(1);
    expect(said.at(-1)).toBe('Removed: 0 records, 0 pictures. Left: 1.');
    expect(await left()).toEqual([id]);
  });

  it('that change at this moment stay, and are counted', async () => {
    const { id } = await keep(40);
    expect(await start({}, { store: { ...store, remove: async () => 'conflict' } })).toBe(1);
    expect(said.at(-1)).toBe('Removed: 0 records, 0 pictures. Left: 1.');
    expect(await left()).toEqual([id]);
  });
});

describe('before it removes anything, it', () => {
  it('says how many, from when to when, for how much, and what becomes of the pictures', async () => {
    await keepPicture(31);
    await keep(40, { credits: { min: 10, max: 20, exact: 15 } });
    await keep(50, { state: 'failed', failure: sampleFailure({ creditsSpent: 'maybe' }) });
    await keep(51, { sandbox: true, credits: { min: 10, max: 20, exact: 15 } });
    await keep(1);
    const ask = vi.fn(async () => false);
    expect(await start({ mode: 'ask', pictures: true }, { ask })).toBe(1);
    expect(ask).toHaveBeenCalledOnce();
    expect(said).toEqual([
      '4 orders ended more than 30 days ago, placed from 2026-09-11 to 2026-10-01 (UTC).',
      'Credits spent on them: at least 15.',
      'Pictures to be removed as well: 1.',
      'jobs and spend will not show these orders any more; to keep the figures, run flux-pro-mcp spend --csv first.',
      'Nothing was removed.',
    ]);
    expect(await left()).toHaveLength(5);
  });

  it('asks, and goes on after a yes', async () => {
    await keep(40);
    expect(await start({ mode: 'ask' })).toBe(0);
    expect(said).toContain('Their pictures stay.');
    expect(said.at(-1)).toBe('Removed: 1 record, 0 pictures. Left: 0.');
    expect(await left()).toEqual([]);
  });

  it('asks nobody for a look, which removes nothing', async () => {
    const { file } = await keepPicture(40);
    const ask = vi.fn(async () => true);
    expect(await start({ mode: 'dry-run', pictures: true }, { ask })).toBe(0);
    expect(ask).not.toHaveBeenCalled();
    expect(said.at(-1)).toBe('Nothing was removed.');
    expect([await left(), existsSync(file), existsSync(aboutOf(file))]).toEqual([[expect.anything()], true, true]);
  });
});

describe('pictures', () => {
  it('stay unless they are named', async () => {
    const { file } = await keepPicture(40);
    expect(await start()).toBe(0);
    expect([await left(), existsSync(file), existsSync(aboutOf(file))]).toEqual([[], true, true]);
  });

  it('go with the file about them, before their record', async () => {
    const { file } = await keepPicture(40);
    const other = join(dirname(file), 'other.json');
    await writeFile(other, '{}');
    const remove: JobStore['remove'] = (seen) => {
      expect([existsSync(file), existsSync(aboutOf(file))]).toEqual([false, false]);
      return store.remove(seen);
    };
    expect(await start({ pictures: true }, { store: { ...store, remove } })).toBe(0);
    expect([await left(), existsSync(other)]).toEqual([[], true]);
    expect(said.at(-1)).toBe('Removed: 1 record, 1 picture. Left: 0.');
  });

  it('that were removed before a crash keep no record from going the next time', async () => {
    const { file } = await keepPicture(40);
    const crash = async () => Promise.reject(new Error('killed'));
    await expect(start({ pictures: true }, { store: { ...store, remove: crash } })).rejects.toThrow('killed');
    expect([(await left()).length, existsSync(file)]).toEqual([1, false]);
    expect(await start({ pictures: true })).toBe(0);
    expect(said).toContain(`${file} is not removed: not there.`);
    expect(await left()).toEqual([]);
  });

  it('are left alone and named when they are not what was saved', async () => {
    const [changed, linked, outside, replaced] = [
      await keepPicture(40),
      await keepPicture(41),
      await keepPicture(42, join(base, 'elsewhere')),
      await keepPicture(43),
    ];
    await writeFile(changed.file, 'edited');
    const target = join(base, 'target.jpg');
    await writeFile(target, 'mine');
    await rm(linked.file);
    await symlink(target, linked.file);
    await rm(replaced.file);
    await mkdir(replaced.file);
    const foreign = await keep(44, { file: join(output, '2026-09', 'holiday.jpg') });
    await writeFile(foreign.file ?? '', 'mine');
    await utimes(foreign.file ?? '', 1, 1);
    expect(await start({ pictures: true })).toBe(0);
    expect(said.slice(0, 5)).toEqual([
      `${changed.file} is not removed: changed since it was saved.`,
      `${linked.file} is not removed: a link.`,
      `${outside.file} is not removed: outside the output folder.`,
      `${replaced.file} is not removed: not a regular file.`,
      `${foreign.file} is not removed: changed since it was saved.`,
    ]);
    const files = [changed, linked, outside, replaced, foreign].map(({ file = '' }) => file);
    for (const path of [target, ...files]) expect(existsSync(path)).toBe(true);
    expect(said.at(-1)).toBe('Removed: 5 records, 0 pictures. Left: 0.');
  });

  it('in a folder that is a link are left alone', async () => {
    const { file } = await keepPicture(40, join(base, 'elsewhere'));
    await mkdir(output);
    await symlink(join(base, 'elsewhere'), join(output, '2026-09'));
    const [job] = await left();
    const seen = await store.read(job ?? '');
    const inside = join(output, '2026-09', file.slice(file.lastIndexOf('/') + 1));
    if (seen) await store.replace(seen, { ...seen.value, file: inside });
    expect(await start({ pictures: true })).toBe(0);
    expect(said[0]).toBe(`${inside} is not removed: in a folder that is a link.`);
    expect([existsSync(file), existsSync(aboutOf(file))]).toEqual([true, true]);
  });

  it('that the system refuses to remove keep their records for the next time', async () => {
    const { id, file } = await keepPicture(40);
    await rm(aboutOf(file));
    // A file of that name in place of the folder.
    await rm(dirname(file), { recursive: true });
    await writeFile(dirname(file), '');
    expect(await start({ pictures: true })).toBe(1);
    expect(said[0]).toBe(`${file} is not removed: error ENOTDIR.`);
    expect(await left()).toEqual([id]);
  });
});

describe('the question on the terminal', () => {
  it.each([
    [['yes\n'], true],
    [[' YES \r\n'], true],
    [['y\n'], false],
    [['\n', 'yes\n'], false],
    [[], false],
  ])('is answered by the first line, and by yes alone: %j', async (lines, answer) => {
    const terminal = Readable.from(lines);
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(terminal as unknown as typeof process.stdin);
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(await typedYes()).toBe(answer);
    // A terminal that is still read would keep the program from ending.
    expect(terminal.destroyed).toBe(true);
    vi.restoreAllMocks();
  });
});

describe('bad usage', () => {
  let err: string[];
  beforeEach(() => {
    err = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
  });
  afterEach(() => void vi.restoreAllMocks());

  it.each([
    [['purge'], 'jobs purge needs --older-than DAYS, a whole number from 8 to 36500.'],
    [['purge', '--older-than', '7', '--yes'], '--older-than: "7" is not allowed. Allowed: a whole number from 8 to'],
    [['purge', '--older-than', '8.5', '--yes'], '--older-than: "8.5" is not allowed.'],
    [['purge', '--older-than', '30'], 'jobs purge asks first, and there is no terminal. Add --yes, or --dry-run'],
    [['list', '--older-than', '30'], '--older-than is for jobs purge, not for jobs list.'],
    [['--yes'], '--yes is for jobs purge, not for jobs list.'],
    [['purge', 'job_1', '--older-than', '30', '--yes'], 'jobs purge: unexpected argument "job_1".'],
  ])('%j is refused', async (argv, says) => {
    const env = { DOITONG_API_KEY: 'dt_live_4711abcdef', FLUX_STATE_DIR: base, FLUX_OUTPUT_DIR: output };
    expect(await run({ argv: ['jobs', ...argv], env, program: '/dist/main.js' })).toBe(2);
    expect(err.join('')).toContain(`flux-pro-mcp: ${says}`);
  });
});
