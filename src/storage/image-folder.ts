/** Saved pictures: new files inside the output folder, written whole or not at all. */
import { randomBytes } from 'node:crypto';
import {
  constants,
  copyFile,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  realpath,
  unlink,
} from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, relative } from 'node:path';
import { FluxError } from '../core/failure.ts';
import type { ImageStore, PictureLabel } from '../core/image-store.ts';
import { syncFolder } from './sync-to-disk.ts';
import { errorCode } from './error-code.ts';
import { monthFolder, pictureFileName } from './file-names.ts';

/** @param root resolves to the absolute output folder; asked at the first picture, and the folder is made then */
export function createImageFolder(root: () => Promise<string>): ImageStore {
  return {
    async save(picture, label) {
      const folder = await root();
      const target = join(folder, monthFolder(label.createdAt), pictureFileName(label, picture.extension));
      try {
        await insideOf(folder, dirname(target));
        const file = await writeNew(target, picture.bytes);
        await writeAbout(file, label, picture.mediaType);
        // The record that says that it is saved is forced to the disk, too.
        await syncFolder(dirname(target)).catch(() => undefined);
        return file;
      } catch (error) {
        if (error instanceof FluxError) throw error;
        throw cannot(`The picture could not be saved in ${dirname(target)} (${errorCode(error)}).`, error);
      }
    },
    async has(file) {
      return (await lstat(file).catch(() => undefined))?.isFile() ?? false;
    },
    async read(file) {
      try {
        return await readFile(file);
      } catch (error) {
        throw cannot(`The saved picture ${file} cannot be read (${errorCode(error)}).`, error);
      }
    },
  };
}

/** Makes the month's folder. A link in its place would lead the picture out of the output folder. */
async function insideOf(root: string, folder: string): Promise<void> {
  const realFolder = await realpath(folder).catch(async () => {
    await mkdir(folder, { recursive: true });
    return realpath(folder);
  });
  const way = relative(await realpath(root), realFolder);
  if (way !== '' && !way.startsWith('..') && !isAbsolute(way)) return;
  throw cannot(`The folder ${folder} leads out of the output folder ${root}.`);
}

/**
 * Writes beside the target and links it into place, so that nobody sees half a picture and an existing file (or a
 * symbolic link of that name) stays as it is.
 */
async function writeNew(target: string, bytes: Uint8Array): Promise<string> {
  const part = `${target}.${randomBytes(4).toString('hex')}.part`;
  const file = await open(part, 'wx', 0o644);
  try {
    await writeWhole(file, bytes);
    return await putInPlace(part, target, bytes);
  } finally {
    await unlink(part).catch(() => undefined);
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.datasync();
    const { size } = await file.stat();
    if (size !== bytes.length) throw cannot(`The disk took ${size} of ${bytes.length} bytes of the picture.`);
  } finally {
    await file.close();
  }
}

/** @returns the name that the picture got: another one than wanted when that is taken by something else */
async function putInPlace(part: string, target: string, bytes: Uint8Array): Promise<string> {
  try {
    await linkOrCopy(part, target);
    return target;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    if (await holds(target, bytes)) return target;
    const { dir, name, ext } = parse(target);
    const other = join(dir, `${name}-${randomBytes(4).toString('hex')}${ext}`);
    await linkOrCopy(part, other);
    return other;
  }
}

/** Neither way ever replaces what is there. */
async function linkOrCopy(part: string, target: string): Promise<void> {
  try {
    await link(part, target);
  } catch (error) {
    // File systems without hard links (exFAT, some network shares).
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'].includes(errorCode(error))) throw error;
    await copyFile(part, target, constants.COPYFILE_EXCL);
  }
}

/** Whether this very picture was saved there before; a symbolic link is not followed to find out. */
async function holds(target: string, bytes: Uint8Array): Promise<boolean> {
  const found = await lstat(target);
  return found.isFile() && found.size === bytes.length && Buffer.compare(await readFile(target), bytes) === 0;
}

/** What is there already stays; a picture without it is a picture all the same. */
async function writeAbout(picture: string, { about, jobId, prompt }: PictureLabel, mediaType: string): Promise<void> {
  const { dir, name, base } = parse(picture);
  const text = JSON.stringify({ job_id: jobId, file: base, media_type: mediaType, prompt, ...about }, undefined, 2);
  const file = await open(join(dir, `${name}.json`), 'wx', 0o644).catch(() => undefined);
  if (file === undefined) return;
  try {
    await file.writeFile(`${text}\n`);
  } catch {
    // Half of it would say something wrong.
    await unlink(join(dir, `${name}.json`)).catch(() => undefined);
  } finally {
    await file.close();
  }
}

function cannot(message: string, cause?: unknown): FluxError {
  const remedy = 'Make room there, or set FLUX_OUTPUT_DIR to a folder that can be written and restart the server.';
  return new FluxError({ kind: 'storage_failed', message, creditsSpent: 'yes', retry: 'same_job', remedy }, { cause });
}
