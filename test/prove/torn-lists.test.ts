/**
 * Lists of a folder whose names change meanwhile. Linux gives some hundred names in one step, which no change can tear:
 * the shared values are fewer, but the records of one day may be thousands.
 */
import { describe, expect, it } from 'vitest';
import { dedupeKey } from '../../src/core/image-request.ts';
import { idAt } from '../../src/runtime/system.ts';
import { changeAtVersion, SharedState } from '../../src/core/shared-value.ts';
import { systemClock } from '../../src/runtime/system.ts';
import type { Clock } from '../../src/core/ports.ts';
import { createFileJobStore, createFileValues } from '../../src/storage/file-stores.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { CREATED_AT, sampleJob } from '../unit/core/sample-jobs.ts';
import { COUNT, type Count, increased } from '../unit/storage/count-value.ts';
import { QUIET } from '../unit/storage/engines.ts';
import { type Hooks, MemoryDisk } from './memory-disk.ts';

const id = idAt(CREATED_AT, 'abcdefghijk');
const { request: REQUEST } = sampleJob();
/** Whoever waits for others waits in no time. */
let time = 0;
const clock: Clock = {
  ...systemClock,
  monotonic: () => time,
  async sleep(delayMs) {
    time += delayMs;
  },
};
const depsOf = (files: FileSystem) => ({ clock, log: QUIET, files });

/** What counts up in one process, which tells what it counted from. */
type Counter = { read: () => Promise<number>; increase: () => Promise<number> };

const valueOn =
  (durability: 'process' | 'machine') =>
  (files: FileSystem): Counter => {
    const state = new SharedState<Count>(createFileValues('/s/shared', depsOf(files)), COUNT, clock);
    return { read: async () => (await state.read()).count, increase: () => state.change(increased, durability) };
  };

function recordOn(files: FileSystem): Counter {
  const store = createFileJobStore('/s', depsOf(files));
  const target = {
    changed: { type: 'record' as const, name: id, location: '/s' },
    read: async () => (await store.read(id)) ?? Promise.reject(new Error('the record is gone')),
    replace: store.replace,
    creditsSpent: () => 'no' as const,
  };
  const count = (job: ReturnType<typeof sampleJob>) => ({
    value: { ...job, updatedAt: job.updatedAt + 1 },
    result: job.updatedAt,
  });
  return {
    read: async () => (await target.read()).value.updatedAt,
    increase: () => changeAtVersion(target, count, clock),
  };
}

const COUNTERS = [
  ['a value', valueOn('process'), '/s/shared'],
  ['a value that is forced to the disk', valueOn('machine'), '/s/shared'],
  ['a record', recordOn, '/s/jobs/2026-11-01'],
] as const;

async function startWith(seed: number, hasLinks: boolean): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ holds: { '/s/': '' }, tornLists: true, hasLinks, seed });
  await createFileJobStore('/s', depsOf(disk.processView())).add(sampleJob({ id, updatedAt: 100 }));
  await valueOn('machine')(disk.processView()).increase();
  await recordOn(disk.processView()).increase();
  return disk;
}

describe.each(COUNTERS)('a late writer of %s', (_, counterOn, folder) => {
  it.each([true, false])('is not misled by lists that changes tear; hard links: %s', async (hasLinks) => {
    let late = 0;
    for (let seed = 1; seed <= 8; seed += 1) {
      for (let at = 1, isThrough = false; !isThrough; at += 1) {
        const disk = await startWith(seed, hasLinks);
        const other = counterOn(disk.processView());
        const seen: number[] = [];
        let step = 0;
        let lists = 0;
        const before: Hooks['before'] = async ({ call, path }) => {
          step += 1;
          const isList = step > at && call === 'list-end' && path === folder;
          if (isList) lists += 1;
          // It stands still here, while others make several changes; and every second list that it reads later is torn.
          const changes = step === at ? 4 : isList && lists % 2 === 1 ? 1 : 0;
          for (let n = 0; n < changes; n += 1) seen.push(await other.increase());
        };
        const increase = counterOn(disk.processView({ before })).increase();
        seen.push(
          await increase.catch((error: unknown) => {
            // Nothing has come of it.
            expect(error).toMatchObject({ failure: { reason: { code: 'change_contended' } } });
            return Number.NaN;
          }),
        );
        const counted = seen.filter((count) => !Number.isNaN(count)).toSorted((one, two) => one - two);
        const state = `seed ${seed}, at step ${at}`;
        expect(counted, state).toEqual(Array.from(counted, (_each, n) => 101 + n));
        expect(await counterOn(disk.processView()).read(), state).toBe(101 + counted.length);
        isThrough = step < at;
        late += 1;
      }
    }
    expect(late).toBeGreaterThan(100);
  });
});

describe.each(COUNTERS)('a reader of %s', (_, counterOn, folder) => {
  it('whose list is torn by a change finds what is there, and no version that does not count', async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const disk = await startWith(seed, true);
      const [path = '', text = ''] =
        Object.entries(disk.tree()).find(([file]) => file.startsWith(`${folder}/`) && file.endsWith('.json')) ?? [];
      const other = counterOn(disk.processView());
      for (let n = 0; n < 4; n += 1) await other.increase();
      // Of a writer that stood still, and was killed right after it had gone on.
      await disk.processView().create(path.replace(/\d+\.json$/u, '0.json'), text, false);
      let isTorn = false;
      const before: Hooks['before'] = async (operation) => {
        if (operation.call !== 'list-end' || operation.path !== folder || isTorn) return;
        isTorn = true;
        await other.increase();
      };
      expect([105, 106], `seed ${seed}`).toContain(await counterOn(disk.processView({ before })).read());
      expect(isTorn).toBe(true);
    }
  });
});

describe('a search among the records of a day', () => {
  it('misses none whose change tears a list', async () => {
    const many = Array.from({ length: 60 }, (_, n) => idAt(CREATED_AT + n, String(n).padStart(11, '0')));
    for (let seed = 1; seed <= 30; seed += 1) {
      const disk = await startWith(seed, true);
      const store = createFileJobStore('/s', depsOf(disk.processView()));
      for (const other of many) await store.add(sampleJob({ id: other, request: { ...REQUEST, prompt: other } }));
      const sought = await store.read(id);
      if (sought === undefined) throw new Error('the record is gone');
      let isTorn = false;
      const before: Hooks['before'] = async ({ call, path }) => {
        if (call !== 'list-end' || !path.startsWith('/s/jobs/') || isTorn) return;
        isTorn = true;
        await store.replace(sought, { ...sought.value, remoteStatus: 'changed meanwhile' });
      };
      const searching = createFileJobStore('/s', depsOf(disk.processView({ before })));
      const found = await searching.equal(dedupeKey(REQUEST), 0);
      expect(
        found.map((job) => job.id),
        `seed ${seed}`,
      ).toEqual([id]);
      expect(isTorn).toBe(true);
    }
  });
});
