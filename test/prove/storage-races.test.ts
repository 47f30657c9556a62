/** Several writers of one value or record in every order that a seed brings about: no change is lost, and none waits long. */
import { describe, expect, it } from 'vitest';
import { idAt } from '../../src/runtime/system.ts';
import { changeAtVersion, type Rule, SharedState } from '../../src/core/shared-value.ts';
import { createFileJobStore, createFileValues } from '../../src/storage/file-stores.ts';
import { CREATED_AT, sampleJob } from '../unit/core/sample-jobs.ts';
import { COUNT, type Count, increased } from '../unit/storage/count-value.ts';
import { QUIET } from '../unit/storage/engines.ts';
import { MemoryDisk } from './memory-disk.ts';
import type { VirtualProcess } from './virtual-process.ts';
import { VirtualWorld } from './virtual-world.ts';

const id = idAt(CREATED_AT, 'abcdefghijk');
const CHANGES = 8;
const TRIES_MAX = 8;

/** What a call to a disk takes, in milliseconds: most of the time goes into forcing. */
const DELAYS: Record<string, number> = { force: 1, sync: 1, link: 0.1, open: 0.1, list: 0.05, read: 0.05 };

/** What counts up in one process. @returns the tries of the change */
type Counting = (deps: Parameters<typeof createFileJobStore>[1]) => () => Promise<number>;

/** The rule, and how often it has run. */
function counted<Value, Result>(rule: Rule<Value, Result>): { rule: Rule<Value, Result>; tries: () => number } {
  let tries = 0;
  const counting: Rule<Value, Result> = (before) => {
    tries += 1;
    return rule(before);
  };
  return { rule: counting, tries: () => tries };
}

const value: Counting = (deps) => {
  const state = new SharedState<Count>(createFileValues('/s/shared', deps), COUNT, deps.clock);
  return async () => {
    const { rule, tries } = counted(increased);
    await state.change(rule, 'machine');
    return tries();
  };
};

const record: Counting = (deps) => {
  const store = createFileJobStore('/s', deps);
  const target = {
    changed: { type: 'record' as const, name: id, location: '/s' },
    read: async () => (await store.read(id)) ?? Promise.reject(new Error('the record is gone')),
    replace: store.replace,
    creditsSpent: () => 'no' as const,
  };
  return async () => {
    const { rule, tries } = counted((job: ReturnType<typeof sampleJob>) => ({
      value: { ...job, updatedAt: job.updatedAt + 1 },
      result: undefined,
    }));
    await changeAtVersion({ ...target, queue: store.queue?.(id) }, rule, deps.clock);
    return tries();
  };
};

type Options = { hasLinks?: boolean; tornLists?: boolean };

/** @returns the most tries of a change, and the sum in the end */
async function race(what: Counting, writers: number, seed: number, options: Options = {}) {
  const world = new VirtualWorld({ seed });
  const disk = new MemoryDisk({ ...options, holds: { '/s/': '' }, now: world.outside.clock.now, seed });
  const quiet = { clock: world.outside.clock, log: QUIET, files: disk.processView() };
  await world.during(createFileJobStore('/s', quiet).add(sampleJob({ id, updatedAt: 0 })));
  const work = async (process: VirtualProcess): Promise<number> => {
    const files = disk.processView({ before: ({ call }) => process.step(call) });
    const change = what({ clock: process.clock, log: QUIET, files });
    let most = 0;
    for (let n = 0; n < CHANGES; n += 1) most = Math.max(most, await change());
    return most;
  };
  const processes = Array.from({ length: writers }, (_, n) =>
    world.addProcess({ name: `writer ${n}`, stepDelayMs: (call) => DELAYS[call] ?? 0 }),
  );
  const tries = await world.during(Promise.all(processes.map(work)));
  const counts = createFileValues('/s/shared', quiet).open(COUNT);
  const job = await world.during(createFileJobStore('/s', quiet).read(id));
  const { count } = (await world.during(counts.read())).value;
  return { tries: Math.max(...tries), sum: count - 100 + (job?.value.updatedAt ?? Number.NaN), disk };
}

describe.each([
  ['a value', value],
  ['a record', record],
])('the writers of %s', (_, what) => {
  it.each([
    [2, {}],
    [4, {}],
    [4, { hasLinks: false }],
  ])('lose no change when there are %i of them, and none needs more than eight tries: %j', async (writers, options) => {
    let most = 0;
    for (let seed = 1; seed <= 15; seed += 1) {
      const { tries, sum, disk } = await race(what, writers, seed, options);
      expect(sum, `seed ${seed}`).toBe(writers * CHANGES);
      most = Math.max(most, tries);
      expect(
        Object.keys(disk.tree()).filter((path) => path.endsWith('.part') || path.endsWith('.turn')),
        `seed ${seed}`,
      ).toEqual([]);
    }
    expect(most).toBeLessThanOrEqual(TRIES_MAX);
    // Else the writers were never in each other's way.
    expect(most).toBeGreaterThan(1);
  });
});
