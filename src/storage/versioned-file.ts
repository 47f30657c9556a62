/**
 * One value on disk as a row of numbered files. A change is a new file under the next number, which a single writer
 * gets; it counts once its id is seen in the newest file. So a process that stood still for long overwrites nothing.
 */
import { existsSync, linkSync, mkdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
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
  namesIn,
  ownName,
  readText,
  retryBusy,
  syncFolder,
  writeWhole,
} from './disk.ts';

const VERSION = /^(.+)\.(\d{1,15})\.json$/u;
/** A younger half-written file may belong to a process that lives. */
const LEFTOVER_AGE_MS = 60 * 60_000;
/** At the end of the name of what is not published yet. */
const PART = '.part';
/** The only file of a version that is a folder. */
const INNER = 'value.json';
/** Writers that are remembered: one that stood still finds out what became of its change while fewer have come since. */
const WRITERS_MAX = 50;

/** Names and the number of the newest version of each, of all values in that folder. @throws the system's error */
export function newestIn(folder: string): Map<string, number> {
  const newest = new Map<string, number>();
  for (const file of namesIn(folder)) {
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
  readonly #writer = ownName();
  #changes = 0;

  /** @param folder absolute; made at the first change */
  constructor(
    private readonly folder: string,
    private readonly name: string,
    private readonly clock: Clock,
  ) {}

  path(number: number): string {
    return versionFile(this.folder, this.name, number);
  }

  /** The numbers of its versions in ascending order: the last one counts. @throws the system's error */
  numbers(files = namesIn(this.folder)): number[] {
    const versions = files.flatMap((file) => {
      const [, name, digits] = VERSION.exec(file) ?? [];
      return name === this.name ? [Number(digits)] : [];
    });
    return versions.sort((one, other) => one - other);
  }

  /** The newest version; its text is absent for what is no file. `undefined` when there is none yet. */
  read(): { number: number; text: string | undefined } | undefined {
    for (let before: number | undefined; ; ) {
      const number = this.numbers().pop();
      if (number === undefined) return undefined;
      const text = textOfVersion(this.path(number));
      // A version without a text has a successor by now, or is no file.
      if (text !== undefined || number === before) return { number, text };
      before = number;
    }
  }

  /** One call at a time. @throws the system's error */
  async replace(version: Version, value: unknown, durability: Durability): Promise<Replacement> {
    this.#changes += 1;
    const id = `${this.#writer}.${this.#changes}`;
    const others = version.changes.filter((change) => !change.startsWith(`${this.#writer}.`));
    const text = storedText(value, [...others, id].slice(-WRITERS_MAX));
    const number = version.number + 1;
    const isOurs = await this.#publish(this.path(number), text, durability === 'machine');
    const files = namesIn(this.folder);
    const isNewest = isOurs && this.numbers(files).pop() === number;
    // What was published here and is the newest needs no reading: a number is given once.
    if (isNewest || readStored(this.read()?.text).changes.includes(id)) {
      this.#tidy(number, files);
      return 'done';
    }
    // It was published below the newest one by a process that stood still meanwhile.
    if (isOurs) remove(this.path(number));
    return 'conflict';
  }

  /** @returns false when somebody else has that number */
  async #publish(target: string, text: string, durable: boolean): Promise<boolean> {
    const part = this.#newPart();
    const write = (): Promise<void> => writeWhole(part, text, durable, this.clock);
    try {
      await write().catch(async (error: unknown) => {
        // As a rule the folder is there; it is made where it turns out not to be.
        if (errorCode(error) !== 'ENOENT') throw error;
        await makeFolder(this.folder);
        await write();
      });
      const isOurs = await this.#link(part, target, durable);
      if (isOurs && durable) await syncFolder(this.folder);
      return isOurs;
    } finally {
      remove(part);
    }
  }

  async #link(part: string, target: string, durable: boolean): Promise<boolean> {
    try {
      await retryBusy(() => linkSync(part, target), isBusy, this.clock);
      return true;
    } catch (error) {
      // ENOENT: our own half-written file was taken for a leftover while this process stood still.
      if (['EEXIST', 'ENOENT'].includes(errorCode(error))) return false;
      if (!cannotLink(error)) throw error;
    }
    return this.#renameInFolder(part, target, durable);
  }

  /** Where there are no hard links: a folder that holds something is never replaced by a rename either. */
  async #renameInFolder(part: string, target: string, durable: boolean): Promise<boolean> {
    const folder = this.#newPart();
    try {
      mkdirSync(folder, { mode: FOLDER_MODE });
      await retryBusy(() => renameSync(part, join(folder, INNER)), isFileInUse, this.clock);
      if (durable) await syncFolder(folder);
      return await retryBusy(() => renameToNew(folder, target), isFileInUse, this.clock);
    } finally {
      remove(folder);
    }
  }

  #newPart(): string {
    return join(this.folder, `${this.name}.${ownName()}${PART}`);
  }

  /**
   * Removes older versions, strays among them, and what a killed process left half written, of any value: its age is
   * taken from the times that the disk gave to both files, because its clock may differ from ours.
   */
  #tidy(number: number, files: string[]): void {
    for (const other of this.numbers(files)) if (other < number) remove(this.path(other));
    const whole = statSync(this.path(number), { throwIfNoEntry: false });
    for (const file of files.filter((name) => name.endsWith(PART))) {
      const part = join(this.folder, file);
      const half = statSync(part, { throwIfNoEntry: false });
      if (whole && half && whole.mtimeMs - half.mtimeMs > LEFTOVER_AGE_MS) remove(part);
    }
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
  | { type: 'damaged'; value?: undefined; changes: readonly string[] };

export function storedText(value: unknown, changes: readonly string[]): string {
  const body = `"changes":${JSON.stringify(changes)},"value":${JSON.stringify(value)}`;
  return `{"format":${FORMAT},"crc":"${checksum(body)}",${body}}\n`;
}

const DAMAGED = { type: 'damaged', changes: [] } as const;

/**
 * A text whose checksum is right was written by `storedText` and needs no validation, which would cost ten times as
 * much. A wrong checksum shows damage that still reads well: a changed key would be a second order.
 * @param text `undefined` for what is no regular file
 * @param schema for what was written by hand or by another version
 */
export function readStored<Value>(text: string | undefined, schema?: ValueSpec<Value>['schema']): Stored<Value> {
  const [checked, crc, body = ''] = CHECKED.exec(text ?? '') ?? [];
  if (checked !== undefined && checksum(body) !== crc) return DAMAGED;
  const { format, value: stored, changes = [] } = jsonIn(text);
  if (checked !== undefined) return { type: 'value', value: stored as Value, changes };
  if (typeof format !== 'number' || format < FORMAT) return DAMAGED;
  const value = schema?.safeParse(stored).data;
  if (format > FORMAT) return { type: 'newer', value, changes: [] };
  return value === undefined ? DAMAGED : { type: 'value', value, changes: [] };
}

/** Empty for what is no JSON. */
function jsonIn(text = ''): { format?: unknown; value?: unknown; changes?: readonly string[] } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
