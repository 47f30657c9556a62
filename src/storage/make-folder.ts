/** Makes folders for this user alone, in a bounded number of steps. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from './error-code.ts';
import { syncFolder } from './sync-to-disk.ts';

/** Whatever the umask says: records hold prompts, and whoever may write there can swap what is saved. */
const MODE = 0o700;
const LEVELS_MAX = 64;

/**
 * Makes the folder and what is missing above it. Folders that exist stay as they are. Node's own recursive call never
 * returns where the nearest folder takes no child and says that it does not exist (procfs, a mount that is gone).
 */
export async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; !(await isFolder(at)); at = dirname(at)) {
    missing.push(at);
    if (missing.length > LEVELS_MAX || at === dirname(at)) throw failed('ENOENT', `no folder above ${folder} exists`);
  }
  for (const level of missing.reverse()) await makeLevel(level);
}

/** Makes one folder inside a folder that exists. */
export async function makeLevel(level: string): Promise<void> {
  try {
    await mkdir(level, { mode: MODE });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    // Another process was faster; or a link that leads nowhere is in the way.
    if (await isFolder(level)) return;
    throw error;
  }
  await syncFolder(dirname(level));
}

/** @returns false when nothing is there @throws Error with the code ENOTDIR when something else is */
export async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  throw failed('ENOTDIR', `${path} is no folder`);
}

function failed(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
