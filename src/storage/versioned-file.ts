/**
 * One value on disk as a row of numbered files. A change is a new file under the next number, which a single writer
 * gets; it counts once its id is seen in the newest file. So a process that stood still for long overwrites nothing.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { attempt } from '../core/primitives.ts';
import type { Durability, ValueSpec, Version } from '../core/shared-value.ts';
import { cannotLink, errorCode, isAbsent, isBusy, isFileInUse } from './disk-errors.ts';
import { createInFolder, type FileDeps, type FileSystem, ownName, retryBusy } from './file-system.ts';

const VERSION = /^(.+)\.(\d{1,15})\.json$/u;
/** A younger half-written file may belong to a process that lives. */
const LEFTOVER_AGE_MS = 60 * 60_000;
/** At the end of the name of what is not published yet. */
const PART = '.part';
/** The only file of a version that is a folder. */
const INNER = 'value.json';
/** Writers that are remembered: one that stood still finds out what became of its change while fewer have come since. */
const WRITERS_MAX = 50;
/** Versions that may follow one that survives a crash of the machine; all of them are kept until the next that does. */
const UNFORCED_MAX = 16;

/**
 * Names and the number of the newest version of each, of the values in that folder.
 * @param isWanted by the name of a file
 * @throws the system's error
 */
export async function newestIn(folder: string, isWanted: (file: string) => boolean, files: FileSystem) {
  const newest = new Map<string, number>();
  for (const file of await namesIn(folder, files)) {
    const [, name, digits] = (isWanted(file) && VERSION.exec(file)) || [];
    if (name !== undefined) newest.set(name, Math.max(newest.get(name) ?? 0, Number(digits)));
  }
  return newest;
}

/** None where there is no such folder. @throws the system's error */
export async function namesIn(folder: string, files: FileSystem): Promise<string[]> {
  try {
    return await files.list(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

export function versionFile(folder: string, name: string, number: number): string {
  return join(folder, `${name}.${number}.json`);
}

/** `undefined` for what is no file, or is gone because there is a newer version by now. @throws the system's error */
export async function textOfVersion(path: string, files: FileSystem): Promise<string | undefined> {
  return (await files.readText(path)) ?? files.readText(join(path, INNER));
}

export class VersionedFile<Value> {
  /** That were begun by this process, in all of its files. */
  static #changes = 0;
  /** The version that this process has read or made last. `stamp` tells its file from another one of that name. */
  #last: { found: Found<Value>; stamp: string | undefined } | undefined;
  /** Names of files of the folder that were half written when it was listed last. */
  #parts: readonly string[] = [];

  /**
   * @param folder absolute; made at the first change
   * @param writer who changes the value, and so how it finds its changes again: a version keeps the last one of each
   */
  constructor(
    private readonly folder: string,
    private readonly name: string,
    private readonly schema: ValueSpec<Value>['schema'],
    private readonly deps: FileDeps,
    private readonly writer = ownName(),
  ) {}

  path(number: number): string {
    return versionFile(this.folder, this.name, number);
  }

  /** The numbers of its versions in ascending order: the last one counts. @throws the system's error */
  async numbers(): Promise<number[]> {
    const names = await namesIn(this.folder, this.deps.files);
    this.#parts = names.filter((name) => name.endsWith(PART));
    const versions = names.flatMap((file) => {
      const [, name, digits] = (file.startsWith(this.name) && VERSION.exec(file)) || [];
      return name === this.name ? [Number(digits)] : [];
    });
    return versions.sort((one, other) => one - other);
  }

  /** The newest version, understood once for as long as it is; `undefined` when there is none yet. */
  async read(): Promise<Found<Value> | undefined> {
    const last = this.#last?.found;
    if (last !== undefined && (await this.#isStillThere(last)) && (await this.#isFree(last.number + 1))) return last;
    return this.#readNewest();
  }

  /** The newest version that is not damaged, where one is left. */
  async readUndamaged(): Promise<Stored<Value>> {
    for (const number of (await this.numbers()).reverse()) {
      const stored = await this.#valueAt(number);
      if (stored.type !== 'damaged') return stored;
    }
    return DAMAGED;
  }

  async #valueAt(number: number): Promise<Stored<Value>> {
    return readStored(await textOfVersion(this.path(number), this.deps.files), this.schema);
  }

  async #readNewest(): Promise<Found<Value> | undefined> {
    for (;;) {
      // A list may show neither the old version nor the new one of a change that is made meanwhile.
      const number = (await this.numbers()).pop() ?? (await this.numbers()).pop();
      if (number === undefined) return undefined;
      const stamp = await this.#stampOf(number);
      const found = { ...(await this.#valueAt(number)), number };
      // It has a successor by now, or it was a stray that a torn list showed alone, or one that took its place.
      if ((await this.numbers()).pop() !== number) continue;
      this.#last = { found, stamp };
      return found;
    }
  }

  /** One call at a time. @returns the new version; `undefined`: others were faster. @throws the system's error */
  async replace(version: Version, value: Value, durability: Durability): Promise<Version | undefined> {
    VersionedFile.#changes += 1;
    const id = `${this.writer}.${VersionedFile.#changes}`;
    const others = version.changes.filter((change) => !change.startsWith(`${this.writer}.`));
    const changes = [...others, id].slice(-WRITERS_MAX);
    const number = version.number + 1;
    const isDurable = durability === 'machine' || number - (version.durable ?? number) > UNFORCED_MAX;
    const durable = isDurable ? number : version.durable;
    const isOurs = await this.#publish(this.path(number), storedText(value, changes, durable), isDurable);
    const stamp = await this.#stampOf(number);
    const isNext = isOurs && (await this.#isStillThere(version)) && (await this.#isFree(number + 1));
    // There is a later version by now, with this change or without: a list that is torn must not show this one alone.
    const isLate = isOurs && !isNext && version.number > 0 && (await this.#isFree(version.number));
    if (isLate) await this.#remove(this.path(number));
    const numbers = isNext ? undefined : await this.numbers();
    // What was published here and is the newest needs no reading: a number is given once.
    const isNewest = isNext || (isOurs && !isLate && numbers?.at(-1) === number);
    if (isNewest || (await this.#readNewest())?.changes.includes(id)) {
      if (isNewest) this.#last = { found: { type: 'value', value, number, changes, durable }, stamp };
      // What is not forced to the disk may be lost, and then the last version that was is the newest again.
      if (isDurable || version.durable === undefined)
        await this.#tidy(number, version.durable ?? version.number, numbers);
      return { number, changes, durable };
    }
    // It was published below the newest one by a process that stood still meanwhile.
    if (isOurs && version.number === 0) await this.#remove(this.path(number));
    return undefined;
  }

  /**
   * Whether the version that was read or made here last has not been removed since. A version is removed after the one
   * before it: so the next number was given once at most, and no list of the folder is needed to know who got it.
   */
  async #isStillThere({ number }: Pick<Version, 'number'>): Promise<boolean> {
    const { stamp } = this.#last?.found.number === number ? this.#last : {};
    return stamp !== undefined && (await this.#stampOf(number)) === stamp;
  }

  async #isFree(number: number): Promise<boolean> {
    return (await this.#stampOf(number)) === undefined;
  }

  async #stampOf(number: number): Promise<string | undefined> {
    const found = await this.deps.files.stat(this.path(number));
    return found && `${found.ino} ${found.size} ${found.mtimeMs}`;
  }

  /** @returns false when somebody else has that number */
  async #publish(target: string, text: string, durable: boolean): Promise<boolean> {
    const { files } = this.deps;
    const part = this.#newPart();
    try {
      await createInFolder(part, text, durable, files);
      const isOurs = await this.#link(part, target, durable);
      if (isOurs && durable) await files.syncFolder(this.folder);
      return isOurs;
    } finally {
      await this.#remove(part);
    }
  }

  async #link(part: string, target: string, durable: boolean): Promise<boolean> {
    const { files, clock } = this.deps;
    try {
      await retryBusy(() => files.link(part, target), isBusy, clock);
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
    const { files, clock } = this.deps;
    const folder = this.#newPart();
    try {
      await files.makeFolder(folder);
      await retryBusy(() => files.rename(part, join(folder, INNER)), isFileInUse, clock);
      if (durable) await files.syncFolder(folder);
      return await retryBusy(() => this.#renameToNew(folder, target), isFileInUse, clock);
    } finally {
      await this.#remove(folder);
    }
  }

  /** @returns false when somebody else has that name */
  async #renameToNew(part: string, target: string): Promise<boolean> {
    const { files } = this.deps;
    if ((await files.stat(target)) !== undefined) return false;
    try {
      await files.rename(part, target);
      return true;
    } catch (error) {
      if ((await files.stat(target)) !== undefined) return false;
      throw error;
    }
  }

  #newPart(): string {
    return join(this.folder, `${this.name}.${ownName()}${PART}`);
  }

  /**
   * Removes older versions, strays among them, each after the one before it; see `#isStillThere`. And what a killed
   * process left half written, of any value: its age is taken from the times that the disk gave to both files, because
   * its clock may differ from ours.
   * @param oldest the first that may be left, as far as is known
   * @param numbers of all versions; absent: there are no others, as far as is known
   */
  async #tidy(number: number, oldest: number, numbers?: readonly number[]): Promise<void> {
    const { files } = this.deps;
    const known = numbers ?? ((await this.#isFree(oldest - 1)) ? undefined : await this.numbers());
    const expected = Array.from({ length: number - oldest }, (_, at) => oldest + at);
    const older = known?.filter((other) => other < number) ?? expected;
    for (const other of older) if (!(await this.#isFree(other - 1)) || !(await this.#remove(this.path(other)))) break;
    const parts = this.#parts;
    this.#parts = [];
    if (parts.length === 0) return;
    const timeOf = async (path: string) => (await files.stat(path).catch(() => undefined))?.mtimeMs;
    const whole = await timeOf(this.path(number));
    for (const name of parts) {
      const half = await timeOf(join(this.folder, name));
      if (whole && half && whole - half > LEFTOVER_AGE_MS) await this.#remove(join(this.folder, name));
    }
  }

  /** @returns false for what cannot be removed now: on Windows somebody may read it. The next writer removes it. */
  async #remove(path: string): Promise<boolean> {
    try {
      await this.deps.files.remove(path);
      return true;
    } catch (error) {
      return isAbsent(error);
    }
  }
}

/** Of the text of a version: raised whenever a file of before could be misread. */
const FORMAT = 1;

/** The checksum is taken over all that follows it. */
const CHECKED = /^\{"format":1,"crc":"([0-9a-f]{8})",(.*)\}\n$/su;

type Stored<Value> =
  | ({ type: 'value'; value: Value } & Built)
  /** Written by a newer version of this program: shown where it can be understood, never replaced. */
  | ({ type: 'newer'; value: Value | undefined } & Built)
  | ({ type: 'damaged'; value?: undefined } & Built);

/** In a version with that number. */
type Found<Value> = Stored<Value> & { number: number };

type Built = Pick<Version, 'changes' | 'durable'>;

export function storedText(value: unknown, changes: readonly string[], durable?: number): string {
  const after = durable === undefined ? '' : `"durable":${durable},`;
  const body = `"changes":${JSON.stringify(changes)},${after}"value":${JSON.stringify(value)}`;
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
  const { format, value: stored, changes = [], durable }: Unchecked = attempt(() => JSON.parse(text ?? '')) ?? {};
  if (checked !== undefined) return { type: 'value', value: stored as Value, changes, durable };
  if (typeof format !== 'number' || format < FORMAT) return DAMAGED;
  const value = schema?.safeParse(stored).data;
  if (format > FORMAT) return { type: 'newer', value, changes: [] };
  return value === undefined ? DAMAGED : { type: 'value', value, changes: [] };
}

type Unchecked = { format?: unknown; value?: unknown } & Partial<Built>;

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
