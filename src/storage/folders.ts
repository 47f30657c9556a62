/** Whether folders take files, tried the way the server writes them; `doctor` and every order ask it. */
import { once } from 'node:events';
import { access, constants, lstat, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, Log } from '../core/ports.ts';
import type { FolderProblem } from '../core/reasons.ts';
import { errorCode, failed, isFileInUse, storageFailed } from './disk-errors.ts';
import { makeFolder, ownName, retryBusy, syncFolder, writeNewFile } from './file-system.ts';
import { monthFolder } from './image-folder.ts';
import { openGuarded } from './output-folder.ts';

/** A network disk that is gone can keep a call for ever. */
const PATIENCE_MS = 5_000;
/** As long as the folder of that name is the same one, what was tried there is not tried with every order. */
const BELIEVED_FOR_MS = 30_000;

export type FolderToCheck =
  /** Records hold prompts and decide what is paid for: they are this user's alone. `root`: the folder that was set. */
  | { contents: 'records'; folder: string; root: string }
  /** Pictures of a month have a folder of their own below it, which may be no link. `now`: epoch milliseconds. */
  | { contents: 'pictures'; folder: string; now: number };

type Usable = {
  isUsable: true;
  /** Where a file was written: the folder, or the nearest one above it. */
  at: string;
  freeBytes: number | undefined;
  /** A folder that other users of this machine can write to. */
  openToOthers: string | undefined;
  /** Which folder that was: another one of that name has another identity. */
  identity: string | undefined;
};
export type FolderState = Usable | { isUsable: false; at: string | undefined; problem: FolderProblem };

/**
 * Looked at before anything is sent, because a picture that is paid for must be kept.
 * @param deps `clock` of the system, `now` of the orders
 * @returns rejects with a FluxError of kind `storage_failed` when one of the folders takes no files
 */
export function createFoldersCheck(
  output: string,
  records: FolderToCheck | undefined,
  { clock, now, log }: { clock: Clock; now: () => number; log: Log },
): () => Promise<void> {
  const reported = new Set<string>();
  const believed = new Map<string, Usable & { until: number }>();

  async function check(wanted: FolderToCheck): Promise<void> {
    const { contents, folder } = wanted;
    const known = believed.get(contents);
    if (known !== undefined && clock.monotonic() < known.until) {
      const identity = await patiently(identityOf(known.at), undefined, clock);
      if (identity !== undefined && identity === known.identity) return;
    }
    const state = await checkFolder(wanted, true, clock);
    if (!state.isUsable)
      throw storageFailed({ code: 'folder_not_usable', contents, folder, problem: state.problem }, 'no');
    believed.set(contents, { ...state, until: clock.monotonic() + BELIEVED_FOR_MS });
    const { openToOthers } = state;
    if (openToOthers === undefined || reported.has(openToOthers)) return;
    reported.add(openToOthers);
    log.warn('other users of this machine can write to this folder, and so replace what is kept there', {
      folder: openToOthers,
      remedy: `chmod go-w ${openToOthers}`,
    });
  }

  return async () => {
    const pictures = { contents: 'pictures', folder: output, now: now() } as const;
    await Promise.all((records === undefined ? [pictures] : [pictures, records]).map(check));
  };
}

/** A check that the system never answers is not begun a second time: each keeps a thread. */
const pending = new Map<string, Promise<FolderState>>();

/** @param make makes the folder; else the nearest folder above it answers for one that is missing. Never rejects. */
export async function checkFolder(wanted: FolderToCheck, make: boolean, clock: Clock): Promise<FolderState> {
  const key = `${make} ${wanted.contents} ${wanted.folder}`;
  const check = pending.get(key) ?? tried(wanted, make, clock).finally(() => pending.delete(key));
  pending.set(key, check);
  return patiently(check, { isUsable: false, at: wanted.folder, problem: 'no_answer' }, clock);
}

async function patiently<T>(work: Promise<T>, late: T, clock: Clock): Promise<T> {
  const { signal, clear } = clock.deadline(PATIENCE_MS);
  const timedOut = once(signal, 'abort').then(() => late);
  return Promise.race([work, timedOut]).finally(clear);
}

/** `undefined` for what cannot be written to. */
async function identityOf(folder: string): Promise<string | undefined> {
  const [found] = await Promise.all([stat(folder, { bigint: true }), access(folder, constants.W_OK)]).catch(() => []);
  return found && [found.dev, found.ino, found.mode].join(':');
}

async function tried(wanted: FolderToCheck, make: boolean, clock: Clock): Promise<FolderState> {
  const { folder } = wanted;
  let at: string | undefined;
  try {
    if (make) await makeFolder(folder);
    at = await nearestFolder(folder);
    const month = wanted.contents === 'pictures' && at === folder ? monthFolder(wanted.now) : undefined;
    if (month !== undefined && (make || (await isThere(join(folder, month))))) {
      at = join(folder, month);
      const guarded = await openGuarded(folder, [month], make);
      await writeAndRemove(guarded.at('.'), clock).finally(guarded.close);
    } else await writeAndRemove(at, clock);
    const space = await statfs(at).catch(() => undefined);
    const freeBytes = space && space.bavail * space.bsize;
    const [openToOthers, identity] = [await folderOpenToOthers(wanted), await identityOf(at)];
    return { isUsable: true, at, freeBytes, openToOthers, identity };
  } catch (error) {
    return { isUsable: false, at, problem: errorCode(error) };
  }
}

/** The folder itself or the nearest one above it. @throws Error of the system when something else is in its place */
async function nearestFolder(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(at).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
    if (found?.isDirectory()) return at;
    if (found !== undefined) throw failed('ENOTDIR', at);
    if (at === dirname(at) || (await isThere(at))) throw failed('EEXIST', at);
  }
}

/** Whether something has that name, be it a link that leads nowhere. */
async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function writeAndRemove(folder: string, clock: Clock): Promise<void> {
  const file = join(folder, `.flux-pro-mcp-check-${ownName()}`);
  const [part, whole] = [`${file}.part`, `${file}.tmp`];
  try {
    await writeNewFile(part, 'written by flux-pro-mcp to see whether files can be written here\n', true, clock);
    await retryBusy(() => rename(part, whole), isFileInUse, clock);
    await syncFolder(folder);
  } finally {
    await Promise.all([part, whole].map((path) => rm(path, { force: true }).catch(() => undefined)));
  }
}

/** Windows keeps its permissions elsewhere. A sticky bit keeps nobody from adding files. */
async function folderOpenToOthers(wanted: FolderToCheck): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  const { contents, folder } = wanted;
  const folders = contents === 'records' ? [wanted.root, folder] : [folder, join(folder, monthFolder(wanted.now))];
  const forbidden = contents === 'records' ? 0o022 : 0o002;
  for (const one of folders) {
    const { mode } = await stat(one).catch(() => ({ mode: 0 }));
    if ((mode & forbidden) !== 0) return one;
  }
  return undefined;
}
