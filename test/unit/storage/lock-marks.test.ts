/** Proves that a lock is a second name of a mark, that marks are used again, and what is done where that cannot be. */
import { statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Processes } from '../../../src/core/processes.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { FileLock } from '../../../src/storage/file-lock.ts';
import { LockMarks } from '../../../src/storage/lock-marks.ts';
import { owner } from '../core/sample-jobs.ts';

let folder: string;
let path: string;
let marks: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-marks-'));
  path = join(folder, 'a.lock');
  marks = join(folder, 'marks');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const processes: Processes = { self: () => owner(1), isAlive: ({ pid }) => pid < 70 };
const newLock = (): FileLock => new FileLock(processes, systemClock, new LockMarks(processes));

it('one mark serves one lock after the other', async () => {
  const lock = newLock();
  const inodes: number[] = [];
  for (let turn = 0; turn < 5; turn += 1)
    await lock.hold(path, async () => {
      inodes.push(statSync(path).ino);
      expect(statSync(path).nlink).toBe(2);
    });
  expect(new Set(inodes).size).toBe(1);
  expect(await readdir(marks)).toHaveLength(1);
});

it('two locks that are held at once never have the same mark', async () => {
  const lock = newLock();
  const texts = new Set<string>();
  await lock.hold(path, () =>
    lock.hold(join(folder, 'b.lock'), async () => {
      for (const name of ['a.lock', 'b.lock']) texts.add(await readFile(join(folder, name), 'utf8'));
    }),
  );
  expect(texts.size).toBe(2);
});

it('a mark whose lock was taken over is not used again', async () => {
  const lock = newLock();
  await lock.hold(path, async () => {
    // Another process found this one stuck.
    await rename(path, join(folder, 'aside'));
    await writeFile(path, JSON.stringify({ ...owner(2), lock: 'its own' }));
  });
  expect(await readdir(marks)).toEqual([]);
  expect(await readFile(path, 'utf8')).toContain('its own');
});

it('marks of processes that are gone are removed, others stay', async () => {
  await newLock().hold(path, async () => undefined);
  await writeFile(join(marks, 'gone'), JSON.stringify({ ...owner(77), lock: 'gone' }));
  await writeFile(join(marks, 'living'), JSON.stringify({ ...owner(2), lock: 'living' }));
  await writeFile(join(marks, 'unknown'), 'not a mark');
  await newLock().hold(path, async () => undefined);
  const left = await readdir(marks);
  expect(left).not.toContain('gone');
  expect(left).toEqual(expect.arrayContaining(['living', 'unknown']));
});

it('a mark that somebody removed is made anew', async () => {
  const lock = newLock();
  await lock.hold(path, async () => undefined);
  await rm(marks, { recursive: true });
  expect(await lock.hold(path, async () => 'done')).toBe('done');
  expect(await lock.hold(path, async () => statSync(path).nlink)).toBe(2);
});
