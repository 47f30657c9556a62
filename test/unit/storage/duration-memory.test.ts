/** Proves that what is learnt of durations outlives a process, is shared, and does no harm when it cannot be kept. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { createFileDurations, createMemoryDurations } from '../../../src/storage/duration-memory.ts';
import { owner } from '../core/sample-jobs.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-durations-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ofProcess = (pid: number) =>
  createFileDurations(folder, {
    clock: systemClock,
    log: silent,
    processes: { self: () => owner(pid), isAlive: () => true },
  });
const SEEN = { afterMs: 5_000, byMs: 7_000 };
const file = () => join(folder, 'gate', 'durations.json');
const count = async (pid: number, key: string) => (await ofProcess(pid).recall(key))?.tookMs.length ?? 0;

describe('the file', () => {
  it('is what other processes know, kind by kind', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, n) => ofProcess(n % 3).note('a', SEEN)));
    await ofProcess(1).note('b', SEEN);
    expect([await count(9, 'a'), await count(9, 'b'), await count(9, 'c')]).toEqual([12, 1, 0]);
  });

  it('holds no more than fifty kinds', async () => {
    const memory = ofProcess(1);
    for (let n = 0; n < 60; n += 1) await memory.note(`kind ${n}`, SEEN);
    expect([await count(1, 'kind 0'), await count(1, 'kind 59')]).toEqual([0, 1]);
    expect(Object.keys(JSON.parse(await readFile(file(), 'utf8')).kinds)).toHaveLength(50);
  });

  it.each([
    '',
    '{',
    '{"schema":9,"kinds":{}}',
    '{"schema":1,"kinds":{"a":{"weights":[1]}}}',
    '{"schema":2,"kinds":{"a":{"tookMs":[-1]}}}',
  ])('that holds %j is begun anew', async (text) => {
    await mkdir(join(folder, 'gate'));
    await writeFile(file(), text);
    expect(await count(1, 'a')).toBe(0);
    await ofProcess(1).note('a', SEEN);
    expect(await count(1, 'a')).toBe(1);
  });

  it('that cannot be written is no reason to stop', async () => {
    await writeFile(join(folder, 'gate'), 'in the way of the folder');
    await ofProcess(1).note('a', SEEN);
    expect(await count(1, 'a')).toBe(0);
  });
});

it('in memory the same is known for as long as the process lives', async () => {
  const memory = createMemoryDurations(silent);
  expect(await memory.recall('a')).toBeUndefined();
  await memory.note('a', SEEN);
  expect(await memory.recall('a')).toBeDefined();
});
