/** The marks of this process: small files whose second name is a lock. A name costs a disk far less than a new file. */
import { linkSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Processes } from '../core/processes.ts';
import { ownName } from './atomic-file.ts';
import { cannotLink, errorCode, isBusy } from './error-code.ts';
import { createMarked, makerOf, markAt, markOf } from './mark-file.ts';

/** Beside the locks: a second name can only be given within one file system. */
const FOLDER = 'marks';

/** A file that nobody else of this process uses at the moment: its text tells this holder from every other. */
export type Mark = { file: string; text: string };

export class LockMarks {
  readonly #processes: Processes;
  /** By the folder of the locks. */
  readonly #idle = new Map<string, Mark[]>();
  #hasLinks = true;

  constructor(processes: Processes) {
    this.#processes = processes;
  }

  /** @returns `undefined` where a lock must be a file of its own */
  take(lock: string): Mark | undefined {
    if (!this.#hasLinks) return undefined;
    return this.#idle.get(dirname(lock))?.pop() ?? this.#create(dirname(lock));
  }

  giveBack(lock: string, mark: Mark): void {
    const folder = dirname(lock);
    const idle = this.#idle.get(folder);
    if (idle === undefined) this.#idle.set(folder, [mark]);
    else idle.push(mark);
  }

  /** For a mark that somebody else has seen as a lock that was given up: it is never used again. */
  discard(mark: Mark): void {
    try {
      unlinkSync(mark.file);
    } catch {
      // Whoever comes next removes it.
    }
  }

  /**
   * Gives the mark the lock's name as well.
   * @returns `held` when there is such a lock; `none` when that does not work with this mark here
   */
  name(lock: string, mark: Mark): 'mine' | 'held' | 'none' {
    try {
      linkSync(mark.file, lock);
      return 'mine';
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return 'held';
      if (cannotLink(error)) this.#hasLinks = false;
      else if (errorCode(error) !== 'ENOENT' && !isBusy(error)) throw error;
      return 'none';
    }
  }

  #create(locks: string): Mark {
    const folder = join(locks, FOLDER);
    if (!this.#idle.has(locks)) {
      this.#idle.set(locks, []);
      this.#removeOrphans(folder);
    }
    const mark = { file: join(folder, ownName()), text: markOf(this.#processes.self()) };
    try {
      createMarked(mark.file, mark.text);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      makeFolder(folder);
      createMarked(mark.file, mark.text);
    }
    return mark;
  }

  /** What processes that are gone have left behind. */
  #removeOrphans(folder: string): void {
    for (const name of namesIn(folder)) {
      const file = join(folder, name);
      const maker = makerOf(markAt(file));
      if (maker !== undefined && !this.#processes.isAlive(maker)) this.discard({ file, text: '' });
    }
  }
}

/** The folder above is made by whoever writes there first. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process was faster.
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
