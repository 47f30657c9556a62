/** Locks between processes: a file that only one of them can make, taken over when its maker is gone. */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import type { Clock } from '../core/clock.ts';
import type { Processes } from '../core/processes.ts';
import { errorCode } from './error-code.ts';

/** A lock is held for a few file operations; whoever waits this long meets a process that was stopped. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 4;

export class FileLock {
  readonly #processes: Processes;
  readonly #clock: Clock;

  constructor(processes: Processes, clock: Clock) {
    this.#processes = processes;
    this.#clock = clock;
  }

  /** Runs `work` while no other process holds the lock at `path`. */
  async hold<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
    await this.#acquire(path);
    try {
      return await work();
    } finally {
      await rm(path, { force: true });
    }
  }

  async #acquire(path: string): Promise<void> {
    const until = this.#clock.monotonic() + PATIENCE_MS;
    while (!(await this.#make(path))) {
      const late = this.#clock.monotonic() > until;
      if (late || (await this.#isOrphan(path))) await setAside(path);
      else await this.#clock.sleep(PAUSE_MS * (1 + this.#clock.random()));
    }
  }

  async #make(path: string): Promise<boolean> {
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        await file.writeFile(String(this.#processes.self().pid));
      } finally {
        await file.close();
      }
      return true;
    } catch (error) {
      // Windows answers so while the old lock is being removed.
      if (errorCode(error) === 'EEXIST' || (process.platform === 'win32' && errorCode(error) === 'EPERM')) return false;
      throw error;
    }
  }

  async #isOrphan(path: string): Promise<boolean> {
    const text = await readFile(path, 'utf8').catch(() => '');
    // Empty: its maker is just about to write, or was killed there; patience decides.
    return /^\d+$/u.test(text) && !this.#processes.isAlive({ pid: Number(text) });
  }
}

/** Of several processes that find an orphan, the rename lets one remove it. */
async function setAside(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}.orphan`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  await rm(aside, { force: true });
}
