/**
 * One value on disk as a row of numbered files. A change is a new file under the next number, which a single writer
 * gets; it counts once its id is seen in the newest file. So a process that stood still for long overwrites nothing.
 */
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Clock } from '../core/ports.ts';
import type { Durability, Replacement, ValueSpec, Version } from '../core/shared-value.ts';
import {
  cannotLink,
  errorCode,
  FOLDER_MODE,
  isBusy,
  isFileInUse,
  makeFolder,
  ownName,
  readText,
  retryBusy,
  syncFolder,
  writeWhole,
} from './disk.ts';

const VERSION = /^(.+)\.(\d{1,15})\.json$/u;
/** A younger half-written file may belong to a process that lives. */
const LEFTOVER_AGE_MS = 60 * 60_000;
/** The only file of a version that is a folder. */
const INNER = 'value.json';
/** Writers that are remembered: one that stood still finds out what became of its change while fewer have come since. */
const WRITERS_MAX = 50;
/** Each time somebody else was faster; after so many it is something that cannot be read. */
const READ_TRIES = 20;
/** `older`: paths of the other versions, oldest first; `parts`: of half-written files of any value. */
export type Newest = { number: number; path: string; older: readonly string[]; parts: readonly string[] };

/** Names and the number of the newest version of each, of all values in that folder. @throws the system's error */
export function newestIn(folder: string): Map<string, number> {
  const newest = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const [, name, digits] = VERSION.exec(file) ?? [];
    if (name !== undefined) newest.set(name, Math.max(newest.get(name) ?? 0, Number(digits)));
  }
  return newest;
}

export function versionFile(folder: string, name: string, number: number): string {
  return join(folder, `${name}.${number}.json`);
}

/** `undefined` for what is no file, or is gone because there is a newer version by now. @throws the system's error */
export function textOfVersion(path: string): string | undefined {
  return readText(path) ?? readText(join(path, INNER));
}

export class VersionedFile {
  readonly #folder: string;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #writer = ownName();
  #changes = 0;

  /** @param folder absolute; made at the first change */
  constructor(folder: string, name: string, clock: Clock) {
    this.#folder = folder;
    this.#name = name;
    this.#clock = clock;
  }

  /** @returns `undefined` when there is none yet */
  newest(): Newest | undefined {
    const files = this.#files();
    const numbers = files.flatMap((file) => {
      const [, name, digits] = VERSION.exec(file) ?? [];
      return name === this.#name ? [Number(digits)] : [];
    });
    const number = numbers.sort((one, other) => one - other).pop();
    if (number === undefined) return undefined;
    const parts = files.filter((file) => file.endsWith('.part')).map((file) => join(this.#folder, file));
    return { number, path: this.path(number), older: numbers.map((older) => this.path(older)), parts };
  }

  /** The newest version with its text, which is absent for what is no file. */
  read(): (Newest & { text: string | undefined }) | undefined {
    for (let attempt = 1; ; attempt += 1) {
      const newest = this.newest();
      if (newest === undefined) return undefined;
      const text = textOfVersion(newest.path);
      if (text !== undefined || attempt === READ_TRIES) return { ...newest, text };
    }
  }

  path(number: number): string {
    return versionFile(this.#folder, this.#name, number);
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
    // What was published here and is the newest needs no reading: a number is given once.
    if ((isOurs && newest?.path === target) || changesIn(this.read()?.text).includes(id)) {
      if (newest !== undefined) tidy(newest);
      return 'done';
    }
    // It was published below the newest one by a process that stood still meanwhile.
    if (isOurs) remove(target);
    return 'conflict';
  }

  /** @returns false when somebody else has that number */
  async #publish(target: string, text: string, durable: boolean): Promise<boolean> {
    const part = this.#newPart();
    const write = (): Promise<void> => writeWhole(part, text, durable, this.#clock);
    try {
      await write().catch(async (error: unknown) => {
        // As a rule the folder is there; it is made where it turns out not to be.
        if (errorCode(error) !== 'ENOENT') throw error;
        await makeFolder(this.#folder);
        await write();
      });
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
      mkdirSync(part, { mode: FOLDER_MODE });
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

function changesIn(text: string | undefined): readonly string[] {
  const stored = readStored(text);
  return stored.type === 'value' ? stored.changes : [];
}

/**
 * Removes older versions, strays among them, and what a killed process left half written: its age is taken from the
 * times that the disk gave to both files, because its clock may differ from ours.
 */
function tidy({ path, older, parts }: Newest): void {
  for (const file of older) remove(file);
  for (const part of parts) {
    const [whole, half] = [path, part].map((file) => statSync(file, { throwIfNoEntry: false }));
    if (whole && half && whole.mtimeMs - half.mtimeMs > LEFTOVER_AGE_MS) remove(part);
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

/** Of the text of a version: raised whenever a file of before could be misread. */
const FORMAT = 1;

/** The checksum is taken over all that follows it. */
const CHECKED = /^\{"format":1,"crc":"([0-9a-f]{8})",(.*)\}\n$/su;

export type Stored<Value> =
  | { type: 'value'; value: Value; changes: readonly string[] }
  /** Written by a newer version of this program: shown where it can be understood, never replaced. */
  | { type: 'newer'; value: Value | undefined; changes: readonly string[] }
  | { type: 'damaged' };

export function storedText(value: unknown, changes: readonly string[]): string {
  const body = `"changes":${JSON.stringify(changes)},"value":${JSON.stringify(value)}`;
  return `{"format":${FORMAT},"crc":"${checksum(body)}",${body}}\n`;
}

/**
 * A text whose checksum is right was written by `storedText` and needs no validation, which would cost ten times as
 * much. A wrong checksum tells of damage that still reads well: a changed key would be a second order.
 * @param text `undefined` for what is no regular file
 */
export function readStored<Value>(text: string | undefined, schema?: ValueSpec<Value>['schema']): Stored<Value> {
  const [whole, crc, body = ''] = CHECKED.exec(text ?? '') ?? [];
  if (whole === undefined) return readUnchecked(text, schema);
  if (checksum(body) !== crc) return { type: 'damaged' };
  const { value, changes } = JSON.parse(whole) as { value: Value; changes: string[] };
  return { type: 'value', value, changes };
}

/** Written by hand or by another version. */
function readUnchecked<Value>(text = '', schema: ValueSpec<Value>['schema'] | undefined): Stored<Value> {
  let stored: { format?: unknown; value?: unknown } | null;
  try {
    stored = JSON.parse(text);
  } catch {
    return { type: 'damaged' };
  }
  const format = stored?.format;
  if (typeof format !== 'number' || !(format >= 1)) return { type: 'damaged' };
  const value = schema?.safeParse(stored?.value).data;
  if (format > FORMAT) return { type: 'newer', value, changes: [] };
  return value === undefined ? { type: 'damaged' } : { type: 'value', value, changes: [] };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
