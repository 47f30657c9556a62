/** Whether a folder takes files, tried the way the server writes them; `doctor` and every order ask it. */
import { access, constants, lstat, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { FolderProblem } from '../core/reasons.ts';
import { errorCode, isAbsent, isBusy, isFileInUse } from './error-code.ts';
import { monthFolder } from './file-names.ts';
import { LedAway, openGuarded } from './guarded-folder.ts';
import { isFolder, makeFolder } from './make-folder.ts';
import { ownName } from './new-file.ts';
import { retryBusy } from './retry-busy.ts';
import { syncFolder } from './sync-to-disk.ts';

/** A network disk that is gone can keep a call for ever. */
const PATIENCE_MS = 5_000;

export type FolderToCheck = {
  /** Absolute. */
  folder: string;
  /** The folder that was set, where this one is inside of it. */
  inside?: string;
  /** The folder below it that is written to next; it may be no link. */
  below?: string;
  /** Whether a group that may write there is reported, too. */
  isPrivate: boolean;
};

/** The output folder at that time (epoch milliseconds): pictures of a month have a folder of their own. */
export const outputToCheck = (folder: string, now: number): FolderToCheck => ({
  folder,
  below: monthFolder(now),
  isPrivate: false,
});

/** Records hold prompts and decide what is paid for: they are this user's alone. */
export const stateToCheck = (root: string, folder: string): FolderToCheck => ({
  folder,
  inside: root,
  isPrivate: true,
});

export type FolderState =
  | {
      isUsable: true;
      /** Where a file was written: the folder, or the nearest one above it. */
      at: string;
      freeBytes: number | undefined;
      /** A folder that other users of this machine can write to. */
      openToOthers: string | undefined;
      /** Which folder that was: another one of that name has another identity. */
      identity: string | undefined;
    }
  | { isUsable: false; at: string | undefined; problem: FolderProblem };

/** @param make makes the folder; else the nearest folder above it answers for one that is missing. Never rejects. */
export async function checkFolder(wanted: FolderToCheck, make: boolean, clock: Clock): Promise<FolderState> {
  const late = { isUsable: false, at: wanted.folder, problem: 'no_answer' } as const;
  return patiently(checked(wanted, make, clock), late, clock);
}

/** Whether the folder that was found usable is still the one of that name, and still takes writes. Never rejects. */
export async function isUnchanged({ at, identity }: FolderState & { isUsable: true }, clock: Clock): Promise<boolean> {
  if (identity === undefined) return false;
  return patiently(
    identityOf(at).then((now) => now === identity),
    false,
    clock,
  );
}

async function patiently<T>(work: Promise<T>, late: T, clock: Clock): Promise<T> {
  const { signal, clear } = clock.deadline(PATIENCE_MS);
  const timedOut = new Promise<T>((resolve) => {
    signal.addEventListener('abort', () => resolve(late), { once: true });
  });
  try {
    return await Promise.race([work, timedOut]);
  } finally {
    clear();
  }
}

/** `undefined` for what cannot be written to. */
async function identityOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino, mode } = await stat(folder, { bigint: true });
    await access(folder, constants.W_OK);
    return [dev, ino, mode].join(':');
  } catch {
    return undefined;
  }
}

/** A check that the system never answers is not begun a second time: each keeps a thread. */
const pending = new Map<string, Promise<FolderState>>();

function checked(wanted: FolderToCheck, make: boolean, clock: Clock): Promise<FolderState> {
  const key = JSON.stringify([wanted, make]);
  const known = pending.get(key);
  if (known !== undefined) return known;
  const check = tried(wanted, make, clock).finally(() => pending.delete(key));
  pending.set(key, check);
  return check;
}

async function tried(wanted: FolderToCheck, make: boolean, clock: Clock): Promise<FolderState> {
  const { folder, below, isPrivate } = wanted;
  let at: string | undefined;
  try {
    if (make) await makeFolder(folder);
    at = await nearestFolder(folder);
    const inner = below === undefined || at !== folder ? undefined : join(folder, below);
    if (inner !== undefined && below !== undefined && (make || (await isThere(inner)))) {
      at = inner;
      await tryGuarded(folder, below, make, clock);
    } else await writeAndRemove((name) => join(at ?? folder, name), clock);
    const openToOthers = await firstOpen([wanted.inside ?? folder, folder, inner ?? folder], isPrivate);
    return { isUsable: true, at, freeBytes: await freeBytes(at), openToOthers, identity: await identityOf(at) };
  } catch (error) {
    return { isUsable: false, at, problem: problemOf(error) };
  }
}

async function tryGuarded(root: string, below: string, make: boolean, clock: Clock): Promise<void> {
  const folder = await openGuarded(root, [below], make);
  try {
    await writeAndRemove(folder.at, clock);
  } finally {
    await folder.close();
  }
}

/** The folder itself or the nearest one above it. @throws Error of the system when something else is in its place */
async function nearestFolder(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (await isFolder(at)) return at;
    if (at === dirname(at) || (await isThere(at))) throw Object.assign(new Error(at), { code: 'EEXIST' });
  }
}

/** Whether something has that name, be it a link that leads nowhere. */
async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => !isAbsent(error),
  );
}

async function writeAndRemove(at: (name: string) => string, clock: Clock): Promise<void> {
  const name = `.flux-pro-mcp-check-${ownName()}`;
  const [part, whole] = [at(`${name}.part`), at(`${name}.tmp`)];
  try {
    const file = await retryBusy(() => open(part, 'wx', 0o600), isBusy, clock);
    try {
      await file.writeFile('written by flux-pro-mcp to see whether files can be written here\n');
      await file.datasync();
    } finally {
      await file.close();
    }
    await retryBusy(() => rename(part, whole), isFileInUse, clock);
    await syncFolder(at('.'));
  } finally {
    await Promise.all([part, whole].map((path) => rm(path, { force: true }).catch(() => undefined)));
  }
}

/** Windows keeps its permissions elsewhere. A sticky bit keeps nobody from adding files. */
async function firstOpen(folders: readonly string[], isPrivate: boolean): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  const bits = isPrivate ? 0o022 : 0o002;
  for (const folder of folders) {
    const found = await stat(folder).catch(() => undefined);
    if (found !== undefined && (found.mode & bits) !== 0) return folder;
  }
  return undefined;
}

/** `undefined` where the system does not say. */
async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function problemOf(error: unknown): FolderProblem {
  return error instanceof LedAway ? 'leads_away' : errorCode(error);
}
