/** Folders and new files, forced to the disk, on every system: what its refusals mean, and what is tried again. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fdatasync, fstatSync, fsync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { constants as systemConstants } from 'node:os';
import { promisify } from 'node:util';
import type { Clock } from '../core/ports.ts';

export function errorCode(error: unknown): string {
  if (!(error instanceof Error && 'code' in error)) return String(error);
  const code = String(error.code);
  // Node has no name for some of them, EDQUOT among them; the system's own tables do.
  const [, number] = /^Unknown system error -(\d{1,6})$/u.exec(code) ?? [];
  return Object.entries(systemConstants.errno).find(([, known]) => String(known) === number)?.[0] ?? code;
}

const oneOf =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    codes.includes(errorCode(error));

/** Nothing of that name is there, nor can be: something above it is no folder, or a link that leads back to itself. */
export const isAbsent = oneOf('ENOENT', 'ENOTDIR', 'ELOOP');

const NOT_OFFERED = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EISDIR', 'ERR_ACCESS_DENIED'];

/**
 * Whether no second name can be given here: exFAT, some network shares, too many names of one file, rules against it.
 * Windows says EISDIR for "invalid function", and UNKNOWN for what has no code.
 */
export const cannotLink = oneOf(...NOT_OFFERED, 'EXDEV', 'EMLINK', 'UNKNOWN');

/** Some mounts; what the disk itself says (EIO, ENOSPC) is never among them. */
export const cannotSyncFolder = oneOf(...NOT_OFFERED, 'ENOTTY', 'EBADF');

const BUSY = ['EBUSY', 'ETXTBSY', 'EINTR', 'EAGAIN', 'EMFILE', 'ENFILE'];

/** Somebody else holds the file, or the system is short of something, for a moment. */
export const isBusy = oneOf(...BUSY);

/**
 * The same for names. A file that another program holds is refused with EPERM or EACCES by Windows, and by Windows
 * disks and SMB shares that are mounted elsewhere; where it is a matter of rights, half a second is lost.
 */
export const isFileInUse = oneOf(...BUSY, 'EPERM', 'EACCES');

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

/** For this user alone, whatever the umask says: records hold prompts, and whoever may write can swap what is saved. */
const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** A name that no other writer of any process uses. */
export const ownName = (): string => randomBytes(6).toString('hex');

/**
 * A small new file. Only what waits for the disk is handed to a thread: a few bytes are written sooner than that.
 * @param durable forces the bytes to the disk; the name in its folder is another matter
 */
export async function writeWhole(path: string, text: string, durable: boolean, clock: Clock): Promise<void> {
  const file = await retryBusy(() => openSync(path, 'wx', FILE_MODE), isBusy, clock);
  try {
    // Goes on after a part: a full disk can take one and say nothing.
    writeFileSync(file, text);
    if (durable) await force('data', file, path);
  } finally {
    closeSync(file);
  }
}

/** A new file of any size, written whole or not at all. */
export async function writeNewFile(
  path: string,
  content: string | Uint8Array,
  durable: boolean,
  clock: Pick<Clock, 'sleep'>,
): Promise<void> {
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
export const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A small file, read sooner than handed to a thread. `undefined` for what is no regular file, or not there. */
export function readText(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, READ);
  } catch (error) {
    // A folder on Windows, a socket elsewhere.
    if (isAbsent(error) || ['EISDIR', 'ENXIO'].includes(errorCode(error))) return undefined;
    throw error;
  }
  try {
    return fstatSync(file).isFile() ? readFileSync(file, 'utf8') : undefined;
  } finally {
    closeSync(file);
  }
}

const dataToDisk = promisify(fdatasync);
const toDisk = promisify(fsync);

/** Node's permission model refuses the call for descriptors and allows it for handles. */
async function force(what: 'data' | 'folder', file: number, path: string): Promise<void> {
  try {
    await (what === 'data' ? dataToDisk(file) : toDisk(file));
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
    const folder = openSync(path, 'r');
    await force('folder', folder, path).finally(() => closeSync(folder));
  } catch (error) {
    if (!cannotSyncFolder(error)) throw error;
  }
}

export function failed(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
