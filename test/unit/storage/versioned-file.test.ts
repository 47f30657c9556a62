/**
 * What versions on disk are for: a process that stood still overwrites nothing, one that died leaves a whole value, and
 * a disk without hard links makes no difference. The calls go to the real file system, held up or ended on their way.
 */
import type * as FileSystem from 'node:fs';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../src/core/ports.ts';
import { SharedState } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-stores.ts';
import { COUNT, type Count, increased } from './count-value.ts';

type Disk = {
  /** What the next link is told instead of being made. */
  linkError: string | undefined;
  /** Every link is refused so. */
  refusesLinks: string | undefined;
  /** What the next sync of a folder waits for. */
  folderSync: Promise<void> | undefined;
  /** The process dies at this call that changes something, counted from 1. */
  diesAt: number;
  calls: number;
};
const disk = vi.hoisted(
  (): Disk => ({
    linkError: undefined,
    refusesLinks: undefined,
    folderSync: undefined,
    diesAt: Number.POSITIVE_INFINITY,
    calls: 0,
  }),
);

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>();
  const failure = (code: string): Error => Object.assign(new Error(code), { code });
  const alive =
    <Args extends unknown[], Result>(call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      disk.calls += 1;
      if (disk.calls >= disk.diesAt) throw failure('DEAD');
      return call(...args);
    };
  return {
    ...fs,
    openSync: (path: string, flags: string | number, mode?: number) =>
      flags === 'wx' ? alive(fs.openSync)(path, flags, mode) : fs.openSync(path, flags, mode),
    writeFileSync: (file: string | number, text: string) =>
      typeof file === 'number' ? alive(fs.writeFileSync)(file, text) : fs.writeFileSync(file, text),
    unlinkSync: alive(fs.unlinkSync),
    rmSync: alive(fs.rmSync),
    mkdirSync: alive(fs.mkdirSync),
    renameSync: alive(fs.renameSync),
    linkSync: alive((from: string, to: string) => {
      const code = disk.linkError ?? disk.refusesLinks;
      disk.linkError = undefined;
      if (code !== undefined) throw failure(code);
      fs.linkSync(from, to);
    }),
    fsync: (file: number, done: (error: Error | null) => void) => {
      const wait = disk.folderSync;
      disk.folderSync = undefined;
      if (wait === undefined) fs.fsync(file, done);
      else void wait.then(() => fs.fsync(file, done));
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flux-versions-'));
  Object.assign(disk, { linkError: undefined, refusesLinks: undefined, folderSync: undefined, calls: 0 });
  disk.diesAt = Number.POSITIVE_INFINITY;
});
afterEach(() => {
  disk.diesAt = Number.POSITIVE_INFINITY;
  rmSync(folder, { recursive: true, force: true });
});

const log = { debug() {}, info() {}, warn() {}, error() {} };
const processOf = (clock: Clock = systemClock): SharedState<Count> =>
  new SharedState(createFileValues(folder, { clock, log }), COUNT, clock);

/** A clock whose first sleep ends when the returned function is called: whoever sleeps by it stands still. */
function standingClock(): { clock: Clock; sleeps: Promise<void>; goOn: () => void } {
  let goOn = (): void => undefined;
  let begun = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const sleeps = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const sleep = async (): Promise<void> => {
    begun();
    await released;
  };
  return { clock: { ...systemClock, sleep }, sleeps, goOn };
}

/** Of a process that finds the file busy right before it publishes, and stands still while it waits for that. */
async function standStill(others: () => Promise<void>): Promise<number> {
  const { clock, sleeps, goOn } = standingClock();
  disk.linkError = 'EBUSY';
  const late = processOf(clock).change(increased);
  await sleeps;
  await others();
  goOn();
  return late;
}

describe('a process that stands still before its change is published', () => {
  it('makes it again on what one other has published', async () => {
    const other = processOf();
    const before = await standStill(async () => void (await other.change(increased)));
    expect(before).toBe(101);
    expect(await processOf().read()).toEqual({ count: 102 });
  });

  it('overwrites nothing, also when old versions are gone by then: it sees that it is not in the newest', async () => {
    const other = processOf();
    const before = await standStill(async () => {
      for (let n = 0; n < 7; n += 1) await other.change(increased);
    });
    expect(before).toBe(107);
    expect(await processOf().read()).toEqual({ count: 108 });
    expect(readdirSync(folder)).toEqual(['count.8.json']);
  });
});

describe('a process that stands still after its change is published', () => {
  it.each([1, 7, 120])(
    'finds it in the newest version after %i changes of others, and makes it once',
    async (count) => {
      let goOn = (): void => undefined;
      disk.folderSync = new Promise((resolve) => {
        goOn = resolve;
      });
      const late = processOf().change(increased, 'machine');
      while (!readdirSync(folder).includes('count.1.json')) await new Promise((resolve) => setImmediate(resolve));
      const other = processOf();
      for (let n = 0; n < count; n += 1) await other.change(increased);
      goOn();
      expect(await late).toBe(100);
      expect(await processOf().read()).toEqual({ count: 101 + count });
    },
  );
});

it('a version below the newest one counts for nobody, and is removed by the next writer', async () => {
  for (let n = 0; n < 3; n += 1) await processOf().change(increased);
  writeFileSync(join(folder, 'count.2.json'), '{"format":1,"value":{"count":7}}');
  expect(await processOf().read()).toEqual({ count: 103 });
  await processOf().change(increased);
  expect(readdirSync(folder)).toEqual(['count.4.json']);
});

describe.each(['process', 'machine'] as const)('a process that dies at any step of a change (%s)', (durability) => {
  it.each([undefined, 'EPERM'])('leaves a whole value that others change; links: %s', async (refusal) => {
    disk.refusesLinks = refusal;
    await processOf().change(increased);
    let count = 101;
    for (let step = 1; ; step += 1) {
      disk.calls = 0;
      disk.diesAt = step;
      const ended = await processOf()
        .change(increased, durability)
        .then(
          () => 'whole',
          () => 'dead',
        );
      const isDone = ended === 'whole' && disk.calls < step;
      disk.diesAt = Number.POSITIVE_INFINITY;
      const { count: after } = await processOf().read();
      expect([count, count + 1]).toContain(after);
      expect(await processOf().change(increased)).toBe(after);
      count = after + 1;
      if (isDone) break;
    }
    expect(disk.calls).toBeGreaterThan(3);
    // The last durable one stays below the newest one.
    const whole = readdirSync(folder).filter((name) => !name.endsWith('.part'));
    expect(whole).toHaveLength(durability === 'machine' ? 2 : 1);
  });
});

it.each([0, 1, 4])(
  'what a dead process left half written is removed after an hour, and a young one is not; changes before: %i',
  async (changes) => {
    for (let n = 0; n < changes; n += 1) await processOf().change(increased);
    const [old, young] = ['count.a1.part', 'other.a2.part'].map((name) => join(folder, name));
    for (const path of [old, young]) writeFileSync(path ?? '', '');
    const hourAgo = new Date(Date.now() - 61 * 60_000);
    utimesSync(old ?? '', hourAgo, hourAgo);
    await processOf().change(increased);
    expect(readdirSync(folder).toSorted()).toEqual([`count.${changes + 1}.json`, 'other.a2.part']);
  },
);

describe('a file system without hard links', () => {
  it.each(['EPERM', 'EXDEV', 'EOPNOTSUPP'])('keeps values all the same: %s', async (code) => {
    disk.refusesLinks = code;
    const [one, two, three] = [processOf(), processOf(), processOf()];
    const before = await Promise.all(
      Array.from({ length: 15 }, (_, n) => [one, two, three][n % 3]?.change(increased, 'machine')),
    );
    expect(before.toSorted()).toEqual(Array.from({ length: 15 }, (_, n) => 100 + n));
    expect(readdirSync(folder)).toEqual(['count.15.json']);
    expect(await processOf().read()).toEqual({ count: 115 });
  });

  it('shares them with processes that can link', async () => {
    for (let n = 0; n < 4; n += 1) {
      disk.refusesLinks = n % 2 === 0 ? 'EPERM' : undefined;
      await processOf().change(increased);
    }
    expect(await processOf().read()).toEqual({ count: 104 });
    expect(readdirSync(folder)).toEqual(['count.4.json']);
  });
});
