/**
 * The order of system calls on the money path: what leads to a charge is forced to the disk before it counts.
 *
 * The calls are recorded on their way to the real file system. What this cannot know: whether the disk keeps its word.
 */
import type * as FileSystem from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { idAt } from '../../../src/runtime/system.ts';
import { Limits } from '../../../src/limits/limits.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileJobStore, createFileValues } from '../../../src/storage/file-stores.ts';
import { CREATED_AT, owner, sampleJob } from '../core/sample-jobs.ts';

const calls = vi.hoisted(() => ({ list: [] as string[], paths: new Map<number, string>() }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>();
  const nameOf = (path: unknown): string => String(path).split('/').at(-1) ?? '';
  type Done = (error: NodeJS.ErrnoException | null) => void;
  return {
    ...fs,
    openSync: (path: string, ...rest: [string, number?]) => {
      const file = fs.openSync(path, ...rest);
      calls.paths.set(file, nameOf(path));
      return file;
    },
    fdatasync: (file: number, done: Done) => {
      calls.list.push(`sync ${calls.paths.get(file)}`);
      fs.fdatasync(file, done);
    },
    fsync: (file: number, done: Done) => {
      calls.list.push(`sync ${calls.paths.get(file)}`);
      fs.fsync(file, done);
    },
    linkSync: (from: string, to: string) => {
      calls.list.push(`link ${nameOf(from)} ${nameOf(to)}`);
      fs.linkSync(from, to);
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flux-durability-'));
  calls.list.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const deps = {
  clock: systemClock,
  log: { debug() {}, info() {}, warn() {}, error() {} },
};

/**
 * The file's bytes reach the disk before it takes its name, and its name reaches the disk after that.
 * @param file the end of its name
 */
function expectDurable(file: string, inFolder: string): void {
  const at = calls.list.findIndex((call) => call.startsWith('link ') && call.endsWith(file));
  expect(at, `${file} is put in its place: ${calls.list.join(', ')}`).toBeGreaterThanOrEqual(0);
  const part = calls.list[at]?.split(' ')[1];
  expect(calls.list.slice(0, at)).toContain(`sync ${part}`);
  expect(calls.list.slice(at + 1)).toContain(`sync ${inFolder}`);
}

const id = idAt(CREATED_AT, 'abcdefghijk');
const DAY = '2026-11-01';

describe('a job record', () => {
  it('is on the disk, and so is its name, when it was added', async () => {
    await createFileJobStore(folder, deps).add(sampleJob({ id, state: 'queued' }));
    expectDurable('.1.json', DAY);
    // The folders above it are new, too.
    expect(calls.list).toEqual(expect.arrayContaining(['sync jobs', `sync ${basename(folder)}`]));
  });

  it('is on the disk after every change, the step before the first byte included', async () => {
    const jobStore = createFileJobStore(folder, deps);
    await jobStore.add(sampleJob({ id, state: 'queued' }));
    calls.list.length = 0;
    const seen = await jobStore.read(id);
    if (seen === undefined) throw new Error('the record is gone');
    await jobStore.replace(seen, { ...seen.value, state: 'submitting' });
    expectDurable('.2.json', DAY);
  });
});

describe('an admission', () => {
  it('is on the disk when an order was admitted: until there is a record, nothing else says that it is reserved', async () => {
    const values = createFileValues(join(folder, 'shared'), deps);
    const limits = new Limits(values, { ...deps, plan: 'pro', jobs: async () => [] });
    const order = { id: 'job_a', at: 0, owner: owner(1), maxCredits: 20, dedupeKey: 'a', allowDuplicate: false };
    const admission = await limits.admit([order], { creditsPerDay: 1_000, imagesPerDay: 100 });
    expect(admission).toMatchObject({ type: 'taken' });
    expectDurable(' reservations.1.json', 'shared');
  });
});
