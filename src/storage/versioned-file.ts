/**
 * One value on disk as a row of numbered files. A change is a new file under the next number, which a single writer
 * gets; it counts once its id is seen in the newest file. So a process that stood still for long overwrites nothing.
 */
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Durability, Replacement, Version } from '../core/shared-value.ts';
import { cannotLink, errorCode, isAbsent, isBusy, isFileInUse } from './error-code.ts';
import { makeFolder } from './make-folder.ts';
import { ownName, writeWhole } from './new-file.ts';
import { NOT_REGULAR, readText } from './read-text.ts';
import { retryBusy } from './retry-busy.ts';
import { readStored, storedText } from './stored-text.ts';
import { syncFolder } from './sync-to-disk.ts';

const VERSION = /^(.+)\.(\d{1,15})\.json$/u;
/** A younger half-written file may belong to a process that lives. */
const LEFTOVER_AGE_MS = 60 * 60_000;
/** The only file of a version that is a folder. */
const INNER = 'value.json';
/** Writers that are remembered: one that stood still finds out what became of its change while fewer have come since. */
const WRITERS_MAX = 50;
/** How long others are let through first: about 80 ms. */
const QUIET_PAUSES = 40;
const QUIET_PAUSE_MS = 2;
/** Each time somebody else was faster; after so many it is something that cannot be read. */
const READ_TRIES = 20;

/** `text` is absent for what is no file. `others`: paths of older versions, and of half-written files of any value. */
export type Newest = { number: number; text: string | undefined; others: readonly string[] };

/** Names and the number of the newest version of each, of all values in that folder. @throws the system's error */
export function newestIn(folder: string): Map<string, number> {
  const newest = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const [, name, digits] = VERSION.exec(file) ?? [];
    if (name !== undefined) newest.set(name, Math.max(newest.get(name) ?? 0, Number(digits)));
  }
  return newest;
}

/** The versions of that name among these files, oldest first. */
export function versionsAmong(files: readonly string[], name: string): number[] {
  return files
    .flatMap((file) => {
      const [, found, digits] = VERSION.exec(file) ?? [];
      return found === name ? [Number(digits)] : [];
    })
    .sort((one, other) => one - other);
}

export function versionFile(folder: string, name: string, number: number): string {
  return join(folder, `${name}.${number}.json`);
}

/** `undefined` for what is no file, or is gone because there is a newer version by now. @throws the system's error */
export function textOfVersion(path: string, buffer?: Buffer): string | undefined {
  try {
    return readText(path, buffer);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    if (errorCode(error) !== NOT_REGULAR && errorCode(error) !== 'EISDIR') throw error;
  }
  try {
    return readText(join(path, INNER), buffer);
  } catch {
    return undefined;
  }
}

export class VersionedFile {
  readonly #folder: string;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #writer = ownName();
  #changes = 0;
  /** Half-written files of others that were waited for in vain. */
  readonly #abandoned = new Set<string>();

  /** @param folder absolute; made at the first change */
  constructor(folder: string, name: string, clock: Clock) {
    this.#folder = folder;
    this.#name = name;
    this.#clock = clock;
  }

  /** @returns `undefined` when there is none yet */
  newest(): Newest | undefined {
    for (let attempt = 1; ; attempt += 1) {
      const files = this.#files();
      const numbers = versionsAmong(files, this.#name);
      const number = numbers.pop();
      if (number === undefined) return undefined;
      const text = textOfVersion(this.path(number));
      if (text === undefined && attempt < READ_TRIES) continue;
      const parts = files.filter(isPart).map((file) => join(this.#folder, file));
      return { number, text, others: [...numbers.map((older) => this.path(older)), ...parts] };
    }
  }

  path(number: number): string {
    return versionFile(this.#folder, this.#name, number);
  }

  /** Others who have begun to write are let through first, so that fewer write in vain. */
  async quiet(): Promise<void> {
    const isUnfinished = (file: string): boolean =>
      isPart(file) && file.startsWith(`${this.#name}.`) && !this.#abandoned.has(file);
    const first = this.#files().filter(isUnfinished);
    let parts = first;
    for (let pause = 0; parts.length > 0 && pause < QUIET_PAUSES; pause += 1) {
      await this.#clock.sleep(QUIET_PAUSE_MS * (0.5 + this.#clock.random()));
      parts = this.#files().filter(isUnfinished);
    }
    // Their writers stand still, or are gone.
    for (const file of parts) if (first.includes(file)) this.#abandoned.add(file);
  }

  /** One call at a time. @throws the system's error */
  async replace(version: Version, value: unknown, durability: Durability): Promise<Replacement> {
    this.#changes += 1;
    const id = `${this.#writer}.${this.#changes}`;
    const others = version.changes.filter((change) => !change.startsWith(`${this.#writer}.`));
    const text = storedText(value, [...others, id].slice(-WRITERS_MAX));
    const target = this.path(version.number + 1);
    const isOurs = await this.#publish(target, text, durability === 'machine');
    const newest = this.newest();
    const stored = readStored(newest?.text, () => undefined);
    if (newest !== undefined && stored.type === 'value' && stored.changes.includes(id)) {
      for (const path of newest.others) removeOld(path, this.path(newest.number));
      return 'done';
    }
    // It was published below the newest one by a process that stood still meanwhile.
    if (isOurs) remove(target);
    return 'conflict';
  }

  /** @returns false when somebody else has that number */
  async #publish(target: string, text: string, durable: boolean): Promise<boolean> {
    const part = this.#newPart();
    try {
      try {
        await writeWhole(part, text, durable, this.#clock);
      } catch (error) {
        // As a rule the folder is there; it is made where it turns out not to be.
        if (errorCode(error) !== 'ENOENT') throw error;
        await makeFolder(this.#folder);
        await writeWhole(part, text, durable, this.#clock);
      }
      const isOurs = await this.#link(part, target, text, durable);
      if (isOurs && durable) await syncFolder(this.#folder);
      return isOurs;
    } finally {
      remove(part);
    }
  }

  async #link(part: string, target: string, text: string, durable: boolean): Promise<boolean> {
    try {
      await retryBusy(() => linkSync(part, target), isBusy, this.#clock);
      return true;
    } catch (error) {
      // ENOENT: our own half-written file was taken for a leftover while this process stood still.
      if (['EEXIST', 'ENOENT'].includes(errorCode(error))) return false;
      if (!cannotLink(error)) throw error;
    }
    return this.#renameFolder(target, text, durable);
  }

  /** Where there are no hard links: a folder that holds something is never replaced by a rename either. */
  async #renameFolder(target: string, text: string, durable: boolean): Promise<boolean> {
    const part = this.#newPart();
    try {
      mkdirSync(part, { mode: 0o700 });
      await writeWhole(join(part, INNER), text, durable, this.#clock);
      if (durable) await syncFolder(part);
      return await retryBusy(() => renameToNew(part, target), isFileInUse, this.#clock);
    } finally {
      remove(part);
    }
  }

  #newPart(): string {
    return join(this.#folder, `${this.#name}.${ownName()}.part`);
  }

  #files(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }
}

const isPart = (file: string): boolean => file.endsWith('.part');

/**
 * Older versions, strays among them, and what a killed process left half written. Its age is taken from the times that
 * the disk gave to both files: its clock may differ from ours.
 */
function removeOld(path: string, newest: string): void {
  try {
    if (!isPart(path) || statSync(newest).mtimeMs - statSync(path).mtimeMs > LEFTOVER_AGE_MS) remove(path);
  } catch {
    // Another process has removed one of them.
  }
}

/** What cannot be removed now is removed by the next writer. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // On Windows somebody reads it at the moment.
    }
  }
}

/** @returns false when somebody else has that name */
function renameToNew(part: string, target: string): boolean {
  if (existsSync(target)) return false;
  try {
    renameSync(part, target);
    return true;
  } catch (error) {
    if (existsSync(target)) return false;
    throw error;
  }
}
