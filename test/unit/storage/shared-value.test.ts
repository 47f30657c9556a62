/** Proves that no change of a shared value is ever lost between processes, and that a value is never half. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import type { Durability } from '../../../src/storage/atomic-file.ts';
import {
  createFileValue,
  createMemoryValue,
  type SharedValue,
  type ValueForm,
} from '../../../src/storage/shared-value.ts';
import { owner } from '../core/sample-jobs.ts';

type Count = { count: number };

let root: string;
let path: string;
let initials: number;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flux-cell-'));
  path = join(root, 'gate', 'count.json');
  initials = 0;
});
afterEach(() => rm(root, { recursive: true, force: true }));

const newer = new FluxError({ kind: 'storage_failed', message: 'Newer.', creditsSpent: 'no', retry: 'no' });

const FORM: Omit<ValueForm<Count>, 'durability'> = {
  read(text) {
    if (text.startsWith('v2')) throw newer;
    return /^\d+$/u.test(text) ? { count: Number(text) } : undefined;
  },
  write: ({ count }) => String(count),
  initial: () => {
    initials += 1;
    return { count: 100 };
  },
};

/** The cell as one process sees it; processes above 9 are dead. */
const log = { debug() {}, info() {}, warn() {}, error() {} };

function sharedValueOf(pid: number, durability: Durability = 'process'): SharedValue<Count> {
  const processes = { self: () => owner(pid), isAlive: (other: { pid: number }) => other.pid <= 9 };
  return createFileValue<Count>(path, { ...FORM, durability }, { clock: systemClock, log, processes });
}
const increased = ({ count }: Count) => ({ value: { count: count + 1 }, result: count });

describe('a shared value', () => {
  it('is the initial one until it is changed, and then what every process sees', async () => {
    expect(await sharedValueOf(1).read()).toEqual({ count: 100 });
    expect(await sharedValueOf(1).update(increased)).toBe(100);
    expect(await sharedValueOf(2).read()).toEqual({ count: 101 });
    expect((await readdir(join(root, 'gate'))).toSorted()).toEqual(['count.json', 'marks']);
  });

  it('is not written when nothing changed', async () => {
    expect(await sharedValueOf(1).update((value) => ({ value, result: 'seen' }))).toBe('seen');
    expect(await readdir(join(root, 'gate'))).toEqual(['marks']);
  });

  it.each<Durability>(['process', 'machine'])('loses no change of many processes at a time: %s', async (durability) => {
    const sharedValues = [1, 2, 3, 4, 5].map((pid) => sharedValueOf(pid, durability));
    const before = await Promise.all(
      Array.from({ length: 60 }, (_, index) => (sharedValues[index % 5] ?? sharedValueOf(1)).update(increased)),
    );
    // Each change saw a value of its own: none was made twice, none was lost.
    expect(before.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => 100 + index));
    expect(await sharedValueOf(1).read()).toEqual({ count: 160 });
    expect((await readdir(join(root, 'gate'))).toSorted()).toEqual(['count.json', 'marks']);
  });

  it('loses no change either when processes die with the lock in their hands', async () => {
    await sharedValueOf(1).update(increased);
    for (let round = 0; round < 12; round += 1) {
      await writeFile(`${path}.lock`, JSON.stringify({ ...owner(77), lock: `of round ${round}` }));
      await Promise.all([1, 2, 3, 4, 5, 6].map((pid) => sharedValueOf(pid).update(increased)));
    }
    expect(await sharedValueOf(1).read()).toEqual({ count: 101 + 12 * 6 });
  });

  it('is changed in the order of the calls within a process', async () => {
    const sharedValue = sharedValueOf(1);
    const order: number[] = [];
    await Promise.all([1, 2, 3, 4].map((n) => sharedValue.update((value) => ({ value, result: order.push(n) }))));
    expect(order).toEqual([1, 2, 3, 4]);
  });

  it('can be changed after a change that failed', async () => {
    const sharedValue = sharedValueOf(1);
    const failing = sharedValue.update(() => {
      throw new Error('no');
    });
    const next = sharedValue.update(increased);
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe(100);
  });
});

describe('a change whose lock was taken over on the way', () => {
  it('is not visible, and is made again on what the other one wrote', async () => {
    await sharedValueOf(1).update(increased);
    const seen: number[] = [];
    await sharedValueOf(1).update(({ count }) => {
      seen.push(count);
      if (seen.length === 1) {
        // Another process found this one stuck, changed the value, and died before it could give the lock back.
        writeFileSync(`${path}.lock`, JSON.stringify({ ...owner(77), lock: 'its own' }));
        writeFileSync(path, '500');
      }
      return { value: { count: count + 1 }, result: undefined };
    });
    expect(seen).toEqual([101, 500]);
    expect(readFileSync(path, 'utf8')).toBe('501');
    expect((await readdir(join(root, 'gate'))).toSorted()).toEqual(['count.json', 'marks']);
  });
});

describe('the file', () => {
  it.each(['', 'half', '{"count":'])('that is damaged counts as none: %j', async (text) => {
    await sharedValueOf(1).update(increased);
    await writeFile(path, text);
    expect(await sharedValueOf(2).read()).toEqual({ count: 100 });
    await sharedValueOf(2).update(increased);
    expect(await readFile(path, 'utf8')).toBe('101');
    expect(initials).toBeGreaterThan(0);
  });

  it('of a newer version is an error, and stays as it is', async () => {
    await sharedValueOf(1).update(increased);
    await writeFile(path, 'v2 of the future');
    await expect(sharedValueOf(1).read()).rejects.toBe(newer);
    await expect(sharedValueOf(1).update(increased)).rejects.toBe(newer);
    expect(await readFile(path, 'utf8')).toBe('v2 of the future');
    expect((await readdir(join(root, 'gate'))).toSorted()).toEqual(['count.json', 'marks']);
  });

  it('that cannot be read is an error: it may hold what counts', async () => {
    await sharedValueOf(1).update(increased);
    await rm(path);
    await writeFile(join(root, 'in the way'), '');
    path = join(root, 'in the way', 'count.json');
    await expect(sharedValueOf(1).read()).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(sharedValueOf(1).update(increased)).rejects.toThrow();
  });
});

describe('a value in memory', () => {
  it('is changed by one at a time, and lives with the process', async () => {
    const sharedValue = createMemoryValue<Count>({ count: 0 });
    await Promise.all(Array.from({ length: 20 }, () => sharedValue.update(increased)));
    expect(await sharedValue.read()).toEqual({ count: 20 });
  });
});
