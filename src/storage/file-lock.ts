/** Locks between processes: a file that only one of them can make, taken over when its maker is gone. */
import { renameSync, rmSync, unlinkSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import type { Processes } from '../core/processes.ts';
import { ownName } from './atomic-file.ts';
import { errorCode, isBusy, isFileInUse } from './error-code.ts';
import type { LockMarks, Mark } from './lock-marks.ts';
import { createMarked, makerOf, markAt, markOf, REMOVAL } from './mark-file.ts';

/** A lock is held for a few file operations; whoever waits this long meets a process that was stopped. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 3;
const MINE_LOST_TRIES = 3;
/** Tries without a lock in sight after which a refusal is believed. */
const DENIED_TRIES = 1_000;

/** Throws `LockLost` when another process has taken the lock over; asked right before a change becomes visible. */
export type AssertHeld = () => void;

/** The process was stopped for so long that another one took its lock over: what it was doing must not be done. */
export class LockLost extends Error {
  override readonly name = 'LockLost';
}

/** `text`: what the lock holds while it is ours. `mark`: what it is a second name of, where it is one. */
type Held = { text: string; mark: Mark | undefined };

export class FileLock {
  readonly #processes: Processes;
  readonly #clock: Clock;
  readonly #marks: LockMarks | undefined;

  /** @param marks absent: each lock is a file of its own */
  constructor(processes: Processes, clock: Clock, marks?: LockMarks) {
    this.#processes = processes;
    this.#clock = clock;
    this.#marks = marks;
  }

  /** Runs `work` while no other process holds the lock at `path`; once more if the lock was lost on the way. */
  async hold<Value>(path: string, work: (assertHeld: AssertHeld) => Promise<Value>): Promise<Value> {
    for (let attempt = 1; ; attempt += 1) {
      const held = await this.#acquire(path);
      try {
        return await work(() => {
          if (markAt(path) !== held.text) throw new LockLost(`the lock ${path} was taken over`);
        });
      } catch (error) {
        if (!(error instanceof LockLost) || attempt === MINE_LOST_TRIES) throw error;
      } finally {
        this.#release(path, held);
      }
    }
  }

  async #acquire(path: string): Promise<Held> {
    let holder: string | undefined;
    let until = 0;
    for (let denied = 0; ; ) {
      const held = this.#take(path, denied < DENIED_TRIES);
      if (held !== undefined) return held;
      const seen = markAt(path);
      // Where many wait, one may be unlucky for long: patience is with the one that holds the lock now.
      if (seen !== holder) until = this.#clock.monotonic() + PATIENCE_MS;
      holder = seen;
      denied = seen === '' ? denied + 1 : 0;
      const isFree = (this.#clock.monotonic() > until || this.#isOrphan(seen)) && setAside(path);
      if (!isFree) await this.#clock.sleep(PAUSE_MS * (1 + this.#clock.random()));
    }
  }

  /** @returns `undefined` when somebody else has it */
  #take(path: string, mayBeRemoved: boolean): Held | undefined {
    const mark = this.#marks?.take(path);
    const named = mark === undefined ? 'none' : this.#marks?.name(path, mark);
    if (mark !== undefined && named === 'mine') return { text: mark.text, mark };
    if (mark !== undefined && named === 'held') this.#marks?.giveBack(path, mark);
    if (named === 'held') return undefined;
    const text = markOf(this.#processes.self());
    return make(path, text, mayBeRemoved) ? { text, mark: undefined } : undefined;
  }

  #release(path: string, { text, mark }: Held): void {
    const isOurs = markAt(path) === text;
    if (isOurs) remove(path);
    if (mark === undefined) return;
    // One that was taken over may have a third name by now: it is not used again.
    if (isOurs) this.#marks?.giveBack(path, mark);
    else this.#marks?.discard(mark);
  }

  #isOrphan(mark: string): boolean {
    const maker = makerOf(mark);
    // None: its maker is just about to write, or was killed there; patience decides.
    return maker !== undefined && !this.#processes.isAlive(maker);
  }
}

/** One call of the system where it goes well; more where Windows holds the file for a moment. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    rmSync(path, REMOVAL);
  }
}

/** @returns false when somebody else has it */
function make(path: string, mark: string, mayBeRemoved: boolean): boolean {
  try {
    createMarked(path, mark);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    // Windows refuses while the old lock is being removed, and for ever where nothing may be made.
    const mayPass = process.platform === 'win32' ? isFileInUse(error) : isBusy(error);
    if (mayPass && mayBeRemoved) return false;
    throw error;
  }
}

/**
 * Of several processes that find an orphan, the rename lets one remove it. One that comes late takes the new lock away:
 * its holder learns that by `AssertHeld`.
 */
function setAside(path: string): boolean {
  const aside = `${path}.${ownName()}.orphan`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || isBusy(error)) return false;
    throw error;
  }
  rmSync(aside, REMOVAL);
  return true;
}
