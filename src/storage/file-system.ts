/** Where job records and shared values are kept: the file system of this machine, or one that a test makes. */
import { linkSync, readdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../core/ports.ts';
import { errorCode, FOLDER_MODE, readText, syncFolder, writeWhole } from './disk.ts';

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
  /** Names of what is in the folder, in no order. */
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

type FolderCalls = Pick<FileSystem, 'makeFolder' | 'stat' | 'syncFolder'>;

const SYSTEM_FOLDERS: FolderCalls = {
  // Handed to a thread: it may never return on a mount that is gone.
  makeFolder: async (path) => void (await mkdir(path, { mode: FOLDER_MODE })),
  async stat(path) {
    const found = statSync(path, { throwIfNoEntry: false });
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

/** Small files are read and written sooner than handed to a thread; only what waits for the disk is. */
export const createDiskFiles = (clock: Clock): FileSystem => ({
  create: (path, text, durable) => writeWhole(path, text, durable, clock),
  readText: async (path) => readText(path),
  link: async (from, to) => linkSync(from, to),
  rename: async (from, to) => renameSync(from, to),
  list: async (folder) => readdirSync(folder),
  async remove(path) {
    try {
      unlinkSync(path);
    } catch (error) {
      // A folder: Linux says EISDIR, others EPERM.
      if (!['EISDIR', 'EPERM'].includes(errorCode(error))) throw error;
      rmSync(path, { recursive: true });
    }
  },
  ...SYSTEM_FOLDERS,
});
