/** Locks between processes: a file that only one of them can make, taken over when its maker is gone. */
import { closeSync, openSync, readFileSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import type { Owner, Processes } from '../core/processes.ts';
import { ownName } from './atomic-file.ts';
import { errorCode } from './error-code.ts';

/** A lock is held for a few file operations; whoever waits this long meets a process that was stopped. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 3;
const MINE_LOST_TRIES = 3;
/** Tries without a lock in sight after which a refusal is believed. */
const DENIED_TRIES = 1_000;
/** On Windows somebody who reads the file keeps it there for a moment. */
const REMOVAL = { force: true, maxRetries: 5, retryDelay: 10 } as const;

/** Throws `LockLost` when another process has taken the lock over; asked right before a change becomes visible. */
export type AssertHeld = () => void;

/** The process was stopped for so long that another one took its lock over: what it was doing must not be done. */
export class LockLost extends Error {
  override readonly name = 'LockLost';
}

export class FileLock {
  readonly #processes: Processes;
  readonly #clock: Clock;

  constructor(processes: Processes, clock: Clock) {
    this.#processes = processes;
    this.#clock = clock;
  }

  /** Runs `work` while no other process holds the lock at `path`; once more if the lock was lost on the way. */
  async hold<Value>(path: string, work: (assertHeld: AssertHeld) => Promise<Value>): Promise<Value> {
    for (let attempt = 1; ; attempt += 1) {
      const mark = await this.#acquire(path);
      try {
        return await work(() => {
          if (markAt(path) !== mark) throw new LockLost(`the lock ${path} was taken over`);
        });
      } catch (error) {
        if (!(error instanceof LockLost) || attempt === MINE_LOST_TRIES) throw error;
      } finally {
        if (markAt(path) === mark) remove(path);
      }
    }
  }

  /** @returns what the lock file holds while it is ours */
  async #acquire(path: string): Promise<string> {
    const mark = JSON.stringify({ ...this.#processes.self(), lock: ownName() });
    let holder: string | undefined;
    let until = 0;
    for (let denied = 0; !make(path, mark, denied < DENIED_TRIES); ) {
      const seen = markAt(path);
      // Where many wait, one may be unlucky for long: patience is with the one that holds the lock now.
      if (seen !== holder) until = this.#clock.monotonic() + PATIENCE_MS;
      holder = seen;
      denied = seen === '' ? denied + 1 : 0;
      const isFree = (this.#clock.monotonic() > until || this.#isOrphan(seen)) && setAside(path);
      if (!isFree) await this.#clock.sleep(PAUSE_MS * (1 + this.#clock.random()));
    }
    return mark;
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

/** Without promises: between making and marking it nothing else runs, and the few bytes are there at once. */
function make(path: string, mark: string, mayBeRemoved: boolean): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    try {
      const bytes = Buffer.from(mark);
      if (writeSync(file, bytes) < bytes.length)
        throw Object.assign(new Error('the disk took no more'), { code: 'ENOSPC' });
    } catch (error) {
      // A full disk: an unmarked lock would keep the others waiting.
      rmSync(path, REMOVAL);
      throw error;
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    // Windows answers so while the old lock is being removed, and for ever where nothing may be made.
    if (process.platform === 'win32' && errorCode(error) === 'EPERM' && mayBeRemoved) return false;
    throw error;
  }
}

/** Empty when nobody holds the lock, or its maker is just about to write. */
function markAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function makerOf(text: string): Owner | undefined {
  try {
    const { pid, host, session } = JSON.parse(text) as Partial<Owner>;
    return typeof pid === 'number' && typeof host === 'string' && typeof session === 'string'
      ? { pid, host, session }
      : undefined;
  } catch {
    return undefined;
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
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  rmSync(aside, REMOVAL);
  return true;
}
