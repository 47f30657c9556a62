/** A folder below the output folder, held open: what is written or read in it stays in it, whatever takes its place. */
import { constants, type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './error-code.ts';
import { isFolder, makeLevel } from './make-folder.ts';

/** The folder is a link, or is no longer the one that was opened. */
export class LedAway extends Error {
  override readonly name = 'LedAway';
}

export type GuardedFolder = {
  /** The path by which the system reaches a file of this very folder; not for people. */
  at(name: string): string;
  /** Whether the folder is still where it was opened, and inside the output folder. */
  isUnmoved(): Promise<boolean>;
  close(): Promise<void>;
};

type Identity = { dev: bigint; ino: bigint };
const isSame = (one: Identity, other: Identity): boolean => one.dev === other.dev && one.ino === other.ino;

/** Not on Windows, which opens no folders and has no links that every user may make. */
const FOLDER = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/**
 * @param root the output folder; it may be a link, because the user chose it
 * @param steps the names of the folders below it; none of them may be a link
 * @param make makes the last of them where it is missing
 * @throws LedAway
 */
export async function openGuarded(root: string, steps: readonly string[], make: boolean): Promise<GuardedFolder> {
  const path = join(await realpath(root), ...steps);
  if (make && (await lstat(path).catch(() => undefined)) === undefined) await makeLevel(path);
  const seen = await lstat(path, { bigint: true });
  if (seen.isSymbolicLink()) throw new LedAway();
  await isFolder(path);
  const handle = process.platform === 'win32' ? undefined : await open(path, FOLDER).catch(ledAway);
  const isUnmoved = async (): Promise<boolean> => {
    const [now, real] = await Promise.all([lstat(path, { bigint: true }), realpath(path)]).catch(() => []);
    return now?.isDirectory() === true && isSame(now, seen) && real === path;
  };
  try {
    if (handle !== undefined && !isSame(await handle.stat({ bigint: true }), seen)) throw new LedAway();
    if (!(await isUnmoved())) throw new LedAway();
    const base = (await pathByHandle(handle, seen)) ?? path;
    return { at: (name) => join(base, name), isUnmoved, close: async () => handle?.close() };
  } catch (error) {
    await handle?.close();
    throw error;
  }
}

/** Opening a link without following it is refused in one of these ways. */
function ledAway(error: unknown): never {
  throw ['ELOOP', 'ENOTDIR', 'EMLINK'].includes(errorCode(error)) ? new LedAway() : error;
}

/** Linux reaches an open folder by its descriptor, wherever its name leads by now. Node's permission model goes by names. */
async function pathByHandle(handle: FileHandle | undefined, seen: Identity): Promise<string | undefined> {
  if (handle === undefined || process.platform !== 'linux' || process.permission !== undefined) return undefined;
  const path = `/proc/self/fd/${handle.fd}`;
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found !== undefined && isSame(found, seen) ? path : undefined;
}
