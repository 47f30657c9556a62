/** A power failure at every step of what is kept: what was durable is read as it was, or newer, in each state of the disk. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { idAt } from '../../src/runtime/system.ts';
import { type Durability, SharedState } from '../../src/core/shared-value.ts';
import { systemClock } from '../../src/runtime/system.ts';
import { createFileJobStore, createFileValues } from '../../src/storage/file-stores.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { CREATED_AT, sampleJob } from '../unit/core/sample-jobs.ts';
import { COUNT, type Count, increased } from '../unit/storage/count-value.ts';
import { MemoryDisk } from './memory-disk.ts';

const id = idAt(CREATED_AT, 'abcdefghijk');
const clock = { ...systemClock, sleep: async () => undefined };

const stateOn = (files: FileSystem, logged: string[] = []): SharedState<Count> =>
  new SharedState<Count>(createFileValues('/user/state/shared', depsOf(files, logged)), COUNT, clock);

const storeOn = (files: FileSystem, logged: string[] = []) => createFileJobStore('/user/state', depsOf(files, logged));

function depsOf(files: FileSystem, logged: string[]) {
  const note = (message: string): void => void logged.push(message);
  return { clock, files, log: { debug() {}, info() {}, warn: note, error: note } };
}

/**
 * Does the work, and looks at each state that a power failure may leave before and after each of its operations.
 * @returns how many states there were
 */
async function afterEachStep(
  disk: MemoryDisk,
  work: (files: FileSystem) => Promise<unknown>,
  look: (left: FileSystem, state: string, disk: MemoryDisk) => Promise<void>,
): Promise<number> {
  let states = 0;
  let step = 0;
  const lookAround = async (): Promise<void> => {
    for (const { name, disk: left } of disk.crashStates({ draws: 12, seed: step })) {
      states += 1;
      await look(left.processView(), `step ${step}, ${name}`, left);
    }
  };
  const after = async ({ call }: { call: string }): Promise<void> => {
    step += 1;
    if (!['list', 'read', 'stat'].includes(call)) await lookAround();
  };
  await lookAround();
  await work(disk.processView({ after }));
  await lookAround();
  return states;
}

const freshDisk = (hasLinks: boolean): MemoryDisk => new MemoryDisk({ holds: { '/user/': '' }, hasLinks });

describe.each([
  ['with hard links', true],
  ['without hard links', false],
])('on a file system %s', (_, hasLinks) => {
  it('a value that was durable is as it was, or newer, whatever the last change came to', async () => {
    const disk = freshDisk(hasLinks);
    let durable = 100;
    let states = 0;
    for (let change = 1; change <= 4; change += 1) {
      // Another process each: one that reads first, and one that changes at once.
      const work = (files: FileSystem) => stateOn(files).change(increased, 'machine');
      states += await afterEachStep(disk, work, async (left, state) => {
        const logged: string[] = [];
        const { count } = await stateOn(left, logged).read();
        expect([durable, durable + 1], state).toContain(count);
        expect(await stateOn(left, logged).change(increased), state).toBe(count);
        expect(logged, state).toEqual([]);
      });
      durable += 1;
      expect((await stateOn(disk.processView()).read()).count).toBe(durable);
      for (const { name, disk: left } of disk.crashStates())
        expect((await stateOn(left.processView()).read()).count, name).toBe(durable);
    }
    expect(states).toBeGreaterThan(100);
  });

  it('a value is never older than its last durable change, also after changes that were not forced to the disk', async () => {
    const disk = freshDisk(hasLinks);
    const durabilities: Durability[] = ['machine', 'process', 'process', 'machine', 'process'];
    let made = 100;
    let durable = 100;
    for (const durability of durabilities) {
      const work = (files: FileSystem) => stateOn(files).change(increased, durability);
      await afterEachStep(disk, work, async (left, state, leftDisk) => {
        const { count } = await stateOn(left).read();
        const possible = Array.from({ length: made + 2 - durable }, (_each, n) => durable + n);
        expect(possible, state).toContain(count);
        expect(await stateOn(left).change(increased), state).toBe(count);
        // Another one, right after what was read of that state was changed.
        for (const { name, disk: later } of leftDisk.crashStates({ kinds: ['names'], draws: 2 }))
          expect((await stateOn(later.processView()).read()).count, `${state}, then ${name}`).toBeGreaterThanOrEqual(
            durable,
          );
      });
      made += 1;
      if (durability === 'machine') durable = made;
      const kept = Object.keys(disk.tree()).filter((path) => /count\.\d+\.json\/?$/u.test(path));
      // The durable one, and what has followed it.
      expect(kept).toHaveLength(made - durable + 1);
    }
  });

  it('a record that was added is there as it was, or newer, also in a fresh folder', async () => {
    const disk = freshDisk(hasLinks);
    const first = sampleJob({ id, state: 'queued' });
    const stages: readonly Job[] = [
      first,
      { ...first, state: 'submitting' },
      { ...first, state: 'processing', remoteId: 'dt_1' },
      { ...first, state: 'saved', remoteId: 'dt_1', file: '/pictures/fox.jpg' },
    ];
    let states = 0;
    for (const [at, stage] of stages.entries()) {
      const before = stages[at - 1];
      const work = async (files: FileSystem): Promise<void> => {
        const store = storeOn(files);
        const seen = await store.read(id);
        if (seen === undefined) await store.add(stage);
        else expect(await store.replace(seen, stage)).toBe('done');
      };
      states += await afterEachStep(disk, work, async (left, state) => {
        const logged: string[] = [];
        const store = storeOn(left, logged);
        const found = (await store.read(id))?.value;
        expect([before, stage], state).toContainEqual(found);
        // Nothing of it is hidden by hints.
        expect((await store.open()).length, state).toBe(found === undefined || found.state === 'saved' ? 0 : 1);
        const { remoteId } = found ?? {};
        if (remoteId !== undefined) expect(await store.find(remoteId), state).toEqual(found);
        if (before !== undefined) expect(logged, state).toEqual([]);
      });
      for (const { name, disk: left } of disk.crashStates())
        expect((await storeOn(left.processView()).read(id))?.value, name).toEqual(stage);
    }
    expect(states).toBeGreaterThan(100);
  });

  it("a job of an earlier day is found by the service's id while the day is closed, also when its hint was lost", async () => {
    const disk = freshDisk(hasLinks);
    const job = sampleJob({ id, state: 'saved', remoteId: 'dt_1' });
    await storeOn(disk.processView()).add(job);
    await disk.processView().remove('/user/state/hints');
    const days = { ...clock, now: () => CREATED_AT + 5 * 24 * 60 * 60_000 };
    const laterStore = (files: FileSystem) => createFileJobStore('/user/state', { ...depsOf(files, []), clock: days });
    const work = (files: FileSystem) => laterStore(files).open();
    const states = await afterEachStep(disk, work, async (left, state) => {
      expect(await laterStore(left).find('dt_1'), state).toEqual(job);
      expect(await laterStore(left).open(), state).toEqual([]);
      expect(await laterStore(left).find('dt_1'), state).toEqual(job);
    });
    expect(states).toBeGreaterThan(20);
    expect(Object.keys(disk.tree()).filter((path) => path.includes('/hints/closed/2026'))).toHaveLength(1);
  });
});
