/** What lies in the output folder, reached without ever leaving it, whatever a record says or a link leads to. */
import { constants, type FileHandle, lstat, open, opendir, realpath, stat, unlink } from 'node:fs/promises';
import { isAbsolute, join, parse, relative, sep } from 'node:path';
import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import type { Job } from '../core/job.ts';
import type { PictureReplacement } from '../core/reasons.ts';
import { errorCode, failed } from './disk-errors.ts';
import { makeFolder, READ } from './file-system.ts';

/** A folder for the month and a name in it; some more for files that a person has sorted. */
const STEPS_MAX = 8;
/** No device, drive, alternative stream or hidden file, and nothing that one system reads as a path and another not. */
const STEP = /^(?!\.)[^\\/:*?"<>|\p{Cc}]{1,255}(?<![. ])$/u;

/** Device names that Windows takes for itself, with any extension. */
export const RESERVED_NAME = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)(?:\.|$)/iu;

/** @param file relative with slashes, or absolute @returns `undefined` for what is not safely inside the folder */
export function stepsBelow(folder: string, file: string): string[] | undefined {
  const steps = isAbsolute(file) ? relative(folder, file).split(sep) : file.split('/');
  const isSafe = steps.length <= STEPS_MAX && steps.every((step) => STEP.test(step) && !RESERVED_NAME.test(step));
  return isSafe ? steps : undefined;
}

export function withRecordedPath(job: Job, outputFolder: string): Job {
  const steps = stepsBelow(outputFolder, job.file ?? '');
  return steps === undefined ? job : { ...job, file: steps.join('/') };
}

/**
 * The job with the absolute path of its picture. A path that leads anywhere else is not followed: such a picture counts
 * as finished and not saved, so that it is fetched from its address when somebody asks for it.
 */
export function withAbsolutePath(job: Job, outputFolder: string): Job {
  // A record with a valid checksum may still be forged.
  const steps = typeof job.file === 'string' ? stepsBelow(outputFolder, job.file) : undefined;
  if (steps !== undefined) return { ...job, file: join(outputFolder, ...steps) };
  const { file: _, ...rest } = job;
  return job.state === 'saved' ? { ...rest, state: 'completed' } : rest;
}

/** Something else lies in the place of a picture, or of the folder that it is in. */
export class Replaced extends Error {
  constructor(readonly code: PictureReplacement) {
    super(code);
  }
}

/** A folder below the output folder, held open: what is written or read in it stays in it, whatever takes its place. */
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
 * @param make makes what is missing
 * @throws Replaced, or the system's error
 */
export async function openGuarded(root: string, steps: readonly string[], make: boolean): Promise<GuardedFolder> {
  return openExisting(root, steps).catch(async (error: unknown) => {
    if (!make || errorCode(error) !== 'ENOENT') throw error;
    await makeFolder(join(root, ...steps));
    return openExisting(root, steps);
  });
}

async function openExisting(root: string, steps: readonly string[]): Promise<GuardedFolder> {
  const path = join(await realpath(root), ...steps);
  const handle = await opened(path);
  try {
    const identity: Promise<Identity> = handle?.stat({ bigint: true }) ?? lstat(path, { bigint: true });
    const isUnmoved = async (): Promise<boolean> => {
      const found = Promise.all([lstat(path, { bigint: true }), realpath(path)]).catch(() => []);
      const [[now, real], opened] = await Promise.all([found, identity]);
      return now?.isDirectory() === true && isSame(now, opened) && real === path;
    };
    const [isStill, base = path] = await Promise.all([isUnmoved(), pathByHandle(handle, identity)]);
    if (!isStill) throw new Replaced('linked_folder');
    return { at: (name) => join(base, name), isUnmoved, close: async () => handle?.close() };
  } catch (error) {
    await handle?.close();
    throw error;
  }
}

async function opened(path: string): Promise<FileHandle | undefined> {
  if (process.platform === 'win32') {
    await (await opendir(path)).close();
    return undefined;
  }
  return open(path, FOLDER).catch(async (error: unknown) => {
    // Opening a link without following it is refused in one of these ways.
    const isLink = ['ELOOP', 'ENOTDIR', 'EMLINK'].includes(errorCode(error)) && (await lstat(path)).isSymbolicLink();
    throw isLink ? new Replaced('linked_folder') : error;
  });
}

/** Linux reaches an open folder by its descriptor, wherever its name leads by now. Node's permission model goes by names. */
async function pathByHandle(handle: FileHandle | undefined, identity: Promise<Identity>): Promise<string | undefined> {
  if (handle === undefined || process.platform !== 'linux' || process.permission !== undefined) return undefined;
  const path = `/proc/self/fd/${handle.fd}`;
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found !== undefined && isSame(found, await identity) ? path : undefined;
}

const READ_NO_LINK = READ | (constants.O_NOFOLLOW ?? 0);

/** @throws Replaced, or the system's error */
export function readSaved(root: string, file: string): Promise<Uint8Array> {
  return inFolderOf(root, file, (folder, name) => readRegular(folder.at(name)));
}

/** Disks round the time, and a network share has a clock of its own. */
const CLOCKS_DIFFER_MS = 60_000;

/** And the JSON file next to it. @param isTrial only looks. @throws Replaced, or an error with a code: `changed` or the system's */
export function removeSaved(root: string, { id, file = '', updatedAt }: Job, isTrial: boolean): Promise<void> {
  return inFolderOf(root, file, async (folder, name) => {
    const found = await lstat(folder.at(name));
    if (!found.isFile()) throw new Replaced(found.isSymbolicLink() ? 'link' : 'no_file');
    // A forged record may name another file.
    if (!name.includes(id) || found.mtimeMs > updatedAt + CLOCKS_DIFFER_MS) throw failed('changed', file);
    if (isTrial || !(await folder.isUnmoved())) return;
    const about = folder.at(`${parse(name).name}.json`);
    if ((await readRegular(about).catch(() => '')).includes(`"job_id": "${id}"`)) await unlink(about);
    await unlink(folder.at(name));
  });
}

async function inFolderOf<Made>(root: string, file: string, use: (at: GuardedFolder, name: string) => Promise<Made>) {
  const steps = stepsBelow(root, file);
  const name = steps?.pop();
  if (steps === undefined || name === undefined) throw new Replaced('outside');
  const folder = await openGuarded(root, steps, false);
  try {
    const result = await use(folder, name);
    if (!(await folder.isUnmoved())) throw new Replaced('linked_folder');
    return result;
  } finally {
    await folder.close();
  }
}

/** @throws Replaced, or the system's error */
export async function readRegular(path: string): Promise<Buffer> {
  // Opening some devices does something, so that the kind is checked first.
  const seen = await lstat(path, { bigint: true });
  if (seen.isSymbolicLink()) throw new Replaced('link');
  if (!seen.isFile()) throw new Replaced('no_file');
  const file = await open(path, READ_NO_LINK).catch((error: unknown) => {
    throw errorCode(error) === 'ELOOP' ? new Replaced('link') : error;
  });
  try {
    const opened = await file.stat({ bigint: true });
    if (!isSame(opened, seen)) throw new Replaced('link');
    if (opened.size > PICTURE_MAX_BYTES) throw new Replaced('too_large');
    return await file.readFile();
  } finally {
    await file.close();
  }
}
