/** The file system that records and shared values are kept in, this machine's or a test's, and what is tried again. */
import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../core/ports.ts';
import { type CreditsSpent, FluxError } from '../core/failure.ts';
import { cannotSyncFolder, errorCode, isAbsent, isBusy, storageFailed } from './disk-errors.ts';

/**
 * The calls to the system that job records and shared values need. Each rejects with the system's error (an Error with
 * `code`), and knows nothing of what is stored.
 */
export interface FileSystem {
  /**
   * A new file, whole. EEXIST when something has that name, ENOENT without its folder. What it leaves when it rejects
   * later than that is a file with a part of the text.
   * @param durable forces its bytes to the disk; the name in its folder is another matter
   */
  create(path: string, text: string, durable: boolean): Promise<void>;
  /** `undefined` when nothing is there, or no regular file. */
  readText(path: string): Promise<string | undefined>;
  /** A second name for a file. EEXIST when something has that name. */
  link(from: string, to: string): Promise<void>;
  /** Replaces a file, and a folder by a folder when it holds nothing (else ENOTEMPTY). */
  rename(from: string, to: string): Promise<void>;
  list(folder: string): Promise<string[]>;
  /** A file, or a folder with all that is in it. ENOENT when nothing is there. */
  remove(path: string): Promise<void>;
  /** `undefined` when nothing is there. */
  stat(path: string): Promise<{ ino: number; size: number; mtimeMs: number; isFolder: boolean } | undefined>;
  /** One level. EEXIST when something has that name, ENOENT without the folder above it. */
  makeFolder(path: string): Promise<void>;
  /** Makes the names in the folder survive a power failure, where the system can. */
  syncFolder(path: string): Promise<void>;
}

/** What the files of a folder are read and written with. */
export type FileDeps = { files: FileSystem; clock: Clock };

const TRIES = 8;
const PAUSE_MS = 15;

/** Tries again while a scanner, an indexer or a sync holds the file. @param mayPass such as `isBusy` */
export async function retryBusy<Value>(
  work: () => Value | Promise<Value>,
  mayPass: (error: unknown) => boolean,
  clock: Pick<Clock, 'sleep'>,
): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || attempt === TRIES) throw error;
      await clock.sleep(PAUSE_MS * attempt);
    }
  }
}

/** What goes wrong at that path is told as a failure of the storage. @throws FluxError of kind `storage_failed` */
export async function kept<Result>(path: string, creditsSpent: CreditsSpent, work: () => Result | Promise<Result>) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FluxError) throw error;
    throw storageFailed({ code: 'state_not_kept', path, error: errorCode(error) }, creditsSpent, error);
  }
}

/** For this user alone, whatever the umask says: records hold prompts, and whoever may write can swap what is saved. */
const [FILE_MODE, FOLDER_MODE] = [0o600, 0o700];

/** A name that no other writer of any process uses: 48 random bits, of those that Node draws in advance. */
export const ownName = (): string => randomUUID().slice(-12);

/** For names of files: equal texts have equal ones. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

async function writeWhole(path: string, text: string, durable: boolean, clock: Clock): Promise<void> {
  const file = await retryBusy(() => fs.openSync(path, 'wx', FILE_MODE), isBusy, clock);
  try {
    // Goes on after a part: a full disk can take one and say nothing.
    fs.writeFileSync(file, text);
    if (durable) await force('data', file, path);
  } finally {
    fs.closeSync(file);
  }
}

/** A new file of any size, written whole or not at all. */
export async function writeNewFile(path: string, content: string | Uint8Array, durable: boolean, clock: Clock) {
  const file = await retryBusy(() => open(path, 'wx', FILE_MODE), isBusy, clock);
  try {
    await file.writeFile(content);
    if (durable) await file.datasync();
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

/** A FIFO in the place of a file would keep the reader waiting for somebody who writes into it. */
export const READ = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

function readText(path: string): string | undefined {
  let file: number;
  try {
    // To ask first is cheaper than the error: most of what is looked for is not there.
    if (fs.statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    file = fs.openSync(path, READ);
  } catch (error) {
    // A folder on Windows, a socket elsewhere.
    if (isAbsent(error) || ['EISDIR', 'ENXIO'].includes(errorCode(error))) return undefined;
    throw error;
  }
  try {
    return fs.fstatSync(file).isFile() ? fs.readFileSync(file, 'utf8') : undefined;
  } finally {
    fs.closeSync(file);
  }
}

const TO_DISK = { data: promisify(fs.fdatasync), folder: promisify(fs.fsync) };

/** Node's permission model refuses the call for descriptors and allows it for handles. */
async function force(what: keyof typeof TO_DISK, file: number, path: string): Promise<void> {
  try {
    await TO_DISK[what](file);
  } catch (error) {
    if (errorCode(error) !== 'ERR_ACCESS_DENIED') throw error;
    const handle = await open(path, what === 'data' ? 'r+' : 'r');
    await handle.sync().finally(() => handle.close());
  }
}

/** Makes new names in the folder survive, where the system can: Windows has no such call and does it by itself. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    const folder = fs.openSync(path, 'r');
    await force('folder', folder, path).finally(() => fs.closeSync(folder));
  } catch (error) {
    if (!cannotSyncFolder(error)) throw error;
  }
}

type FolderCalls = Pick<FileSystem, 'makeFolder' | 'stat' | 'syncFolder'>;

const SYSTEM_FOLDERS: FolderCalls = {
  // Handed to a thread: it may never return on a mount that is gone.
  makeFolder: async (path) => void (await mkdir(path, { mode: FOLDER_MODE })),
  async stat(path) {
    const found = fs.statSync(path, { throwIfNoEntry: false });
    return found && { ino: found.ino, size: found.size, mtimeMs: found.mtimeMs, isFolder: found.isDirectory() };
  },
  syncFolder,
};

/**
 * Makes the folder and what is missing above it. Folders that exist stay as they are. Node's own recursive call never
 * returns where the nearest folder takes no child and says that it does not exist (procfs, a mount that is gone).
 */
export async function makeFolder(folder: string, files: FolderCalls = SYSTEM_FOLDERS, levels = 64): Promise<void> {
  try {
    await makeLevel(folder, files);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || levels === 0 || folder === dirname(folder)) throw error;
    await makeFolder(dirname(folder), files, levels - 1);
    await makeLevel(folder, files);
  }
}

/** `create`, which makes the folder where it turns out to be missing: as a rule it is there. */
export async function createInFolder(path: string, text: string, durable: boolean, files: FileSystem): Promise<void> {
  try {
    await files.create(path, text, durable);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    await makeFolder(dirname(path), files);
    await files.create(path, text, durable);
  }
}

async function makeLevel(folder: string, files: FolderCalls): Promise<void> {
  try {
    await files.makeFolder(folder);
  } catch (error) {
    // A link that leads nowhere may be in the way. Roots of disks are refused with other codes than EEXIST.
    if (errorCode(error) === 'ENOENT' || !(await files.stat(folder))?.isFolder) throw error;
    return;
  }
  await files.syncFolder(dirname(folder));
}

/** Only what waits for the disk is handed to a thread: small files are read and written sooner than that. */
export const createDiskFiles = (clock: Clock): FileSystem => ({
  create: (path, text, durable) => writeWhole(path, text, durable, clock),
  readText: async (path) => readText(path),
  link: async (from, to) => fs.linkSync(from, to),
  rename: async (from, to) => fs.renameSync(from, to),
  list: async (folder) => fs.readdirSync(folder),
  async remove(path) {
    try {
      fs.unlinkSync(path);
    } catch (error) {
      // A folder: Linux says EISDIR, others EPERM.
      if (!['EISDIR', 'EPERM'].includes(errorCode(error))) throw error;
      fs.rmSync(path, { recursive: true });
    }
  },
  ...SYSTEM_FOLDERS,
});
