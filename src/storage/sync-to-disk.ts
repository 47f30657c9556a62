/** Forces files and folders to the disk, in whatever way Node and the system allow it. */
import { closeSync, fdatasync, fsync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { cannotSyncFolder, DENIED_BY_NODE, errorCode } from './error-code.ts';

// Only what waits for the disk is handed to another thread: a few bytes are written sooner than handed over and back.
const dataToDisk = promisify(fdatasync);
const toDisk = promisify(fsync);

/** @param file open for writing, at `path` */
export async function syncData(file: number, path: string): Promise<void> {
  try {
    await dataToDisk(file);
  } catch (error) {
    if (errorCode(error) !== DENIED_BY_NODE) throw error;
    // Node's permission model refuses the call for descriptors and allows it for handles; the file is the same.
    const handle = await open(path, 'r+');
    await handle.datasync().finally(() => handle.close());
  }
}

/**
 * Makes new names in the folder survive. Windows has no such call and does it by itself; where a folder cannot be
 * synced at all, that is no failure.
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    await syncOpened(path);
  } catch (error) {
    if (!cannotSyncFolder(error)) throw error;
  }
}

async function syncOpened(path: string): Promise<void> {
  const folder = openSync(path, 'r');
  try {
    await toDisk(folder);
    return;
  } catch (error) {
    if (errorCode(error) !== DENIED_BY_NODE) throw error;
  } finally {
    closeSync(folder);
  }
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}
