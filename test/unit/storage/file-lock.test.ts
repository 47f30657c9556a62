/** Proves that one process at a time holds a lock, and that a lock whose maker is gone or stuck is not waited for. */
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import type { Processes } from '../../../src/core/processes.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { FileLock, LockLost } from '../../../src/storage/file-lock.ts';
import { LockMarks } from '../../../src/storage/lock-marks.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { owner } from '../core/sample-jobs.ts';

let folder: string;
let path: string;
let living: Set<number>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-lock-'));
  path = join(folder, 'a.lock');
  living = new Set([1, 2, 3, 4, 5, 6, 7, 8]);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const processesOf = (pid: number): Processes => ({
  self: () => owner(pid),
  isAlive: (other) => living.has(other.pid),
});
/** What is in the folder, but for the marks that locks are second names of. */
const locksIn = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name !== 'marks');
const heldBy = (pid: number): string => JSON.stringify({ ...owner(pid), lock: 'a mark of its own' });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(['a file of its own', 'a second name of a mark'])('%s', (way) => {
  const lockOf = (pid: number, clock: Clock = systemClock): FileLock => {
    const processes = processesOf(pid);
    return new FileLock(processes, clock, way === 'a file of its own' ? undefined : new LockMarks(processes));
  };

  describe('a lock', () => {
    it('is held by one at a time, by each in the end, and is gone afterwards', async () => {
      let inside = 0;
      let most = 0;
      const done: number[] = [];
      const work = (pid: number) => async (): Promise<void> => {
        inside += 1;
        most = Math.max(most, inside);
        await pause(1);
        inside -= 1;
        done.push(pid);
      };
      await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((pid) => lockOf(pid).hold(path, work(pid))));
      expect(most).toBe(1);
      expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await locksIn()).toEqual([]);
    });

    it('is free again after work that failed, whose error is passed on', async () => {
      await expect(lockOf(1).hold(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
      expect(await locksIn()).toEqual([]);
    });

    it('in a folder that is not there is an error, not a wait', async () => {
      await expect(lockOf(1).hold(join(folder, 'none', 'a.lock'), async () => 1)).rejects.toMatchObject({
        code: 'ENOENT',
      });
    });
  });

  describe('the lock of a process that is gone', () => {
    it('is taken over at once', async () => {
      await writeFile(path, heldBy(77));
      const clock = createManualClock();
      expect(await lockOf(1, clock).hold(path, async () => 'done')).toBe('done');
      expect(clock.slept).toEqual([]);
      expect(await locksIn()).toEqual([]);
    });

    it('is taken over by one of many who find it, never by two at a time', async () => {
      for (let round = 0; round < 15; round += 1) {
        await writeFile(path, heldBy(77));
        let holder: number | undefined;
        const work =
          (pid: number) =>
          async (assertHeld: () => void): Promise<void> => {
            await pause(1);
            await assertHeld();
            // From here on the change becomes visible: nobody else may come to this point.
            expect(holder).toBeUndefined();
            holder = pid;
            await Promise.resolve();
            holder = undefined;
          };
        await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((pid) => lockOf(pid).hold(path, work(pid))));
        expect(await locksIn()).toEqual([]);
      }
    });
  });

  describe('the lock of a process that is stuck', () => {
    it.each([
      ['that wrote its mark', heldBy(2)],
      ['that had no time to write its mark', ''],
      ['of another form', '4711'],
    ])('%s is waited for 5 s, then taken over', async (_, text) => {
      await writeFile(path, text);
      const clock = createManualClock(undefined, { autoAdvance: true });
      expect(await lockOf(1, clock).hold(path, async () => 'done')).toBe('done');
      expect(clock.monotonic()).toBeGreaterThan(5_000);
      expect(clock.monotonic()).toBeLessThan(5_100);
      expect(await locksIn()).toEqual([]);
    });

    it('is told from one that is held by others in turn: being unlucky for long takes nobody anything', async () => {
      const clock = createManualClock(undefined, { autoAdvance: true });
      let turns = 0;
      writeFileSync(path, heldBy(2));
      // Each look finds another holder.
      const changing: Clock = {
        ...clock,
        async sleep(delayMs) {
          await clock.sleep(delayMs + 400);
          turns += 1;
          if (turns < 40) writeFileSync(path, JSON.stringify({ ...owner(2), lock: String(turns) }));
          else await rm(path);
        },
      };
      await lockOf(1, changing).hold(path, async () => undefined);
      expect(turns).toBe(40);
    });
  });

  describe('a holder whose lock was taken over', () => {
    it('learns that before its change becomes visible, and does its work again', async () => {
      let tries = 0;
      const result = await lockOf(1).hold(path, async (assertHeld) => {
        tries += 1;
        await assertHeld();
        if (tries === 1) writeFileSync(path, heldBy(77));
        await assertHeld();
        return tries;
      });
      expect(result).toBe(2);
      expect(existsSync(path)).toBe(false);
    });

    it('does not remove the lock of the one that has it now', async () => {
      await lockOf(1).hold(path, async () => writeFileSync(path, heldBy(2)));
      expect(existsSync(path)).toBe(true);
    });

    it('gives up when that happens every time', async () => {
      let tries = 0;
      const losing = lockOf(1).hold(path, async (assertHeld) => {
        tries += 1;
        writeFileSync(path, heldBy(77));
        await assertHeld();
      });
      await expect(losing).rejects.toBeInstanceOf(LockLost);
      expect(tries).toBe(3);
    });
  });
});
