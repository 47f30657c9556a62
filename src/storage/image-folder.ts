/** Saved pictures: new files inside the output folder, written whole or not at all. */
import { link, readdir, unlink } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import type { Clock } from '../core/ports.ts';
import type { ImageStore, Picture, PictureLabel } from '../core/image-store.ts';
import { cannotLink, errorCode, isBusy, storageFailed } from './disk-errors.ts';
import { ownName, retryBusy, syncFolder, writeNewFile } from './file-system.ts';
import { type GuardedFolder, openGuarded, RESERVED_NAME, Replaced, readRegular, readSaved } from './output-folder.ts';

/** Bytes of the readable part of a name; the job id, the extension and common limits of 255 bytes leave room to spare. */
const STEM_MAX_BYTES = 80;
const IMAGE_EXTENSION = /\.(?:jpe?g|png|webp|avif|gif|tiff?|bmp|hei[cf]|jxl|jp2)$/iu;

/**
 * @param root the absolute output folder; made at the first picture
 * @param deps `isPicture`: whether the bytes may be what was saved under that extension (without its dot)
 */
export function createImageFolder(
  root: string,
  { clock, isPicture }: { clock: Clock; isPicture: (bytes: Uint8Array, extension: string) => boolean },
): ImageStore {
  return {
    async save(picture, label) {
      const month = monthFolder(label.createdAt);
      const target = join(root, month);
      try {
        const folder = await openGuarded(root, [month], true);
        return join(target, await saveIn(folder, picture, label, clock).finally(folder.close));
      } catch (error) {
        throw storageFailed({ code: 'picture_not_saved', folder: target, problem: errorCode(error) }, 'yes', error);
      }
    },
    async read(file) {
      try {
        const bytes = await readSaved(root, file);
        if (!isPicture(bytes, extname(file).slice(1))) throw new Replaced('no_picture');
        return bytes;
      } catch (error) {
        if (error instanceof Replaced)
          throw storageFailed({ code: 'picture_replaced', file, by: error.code }, 'yes', error);
        throw storageFailed({ code: 'picture_not_readable', file, error: errorCode(error) }, 'yes', error);
      }
    },
  };
}

/** @returns the name that the picture got */
async function saveIn(
  folder: GuardedFolder,
  { bytes, extension, mediaType }: Picture,
  label: PictureLabel,
  clock: Clock,
): Promise<string> {
  /** All that the picture leaves in the folder, so that it can be taken back. */
  const made: string[] = [];

  async function write(name: string, content: string | Uint8Array, durable: boolean): Promise<void> {
    await writeNewFile(folder.at(name), content, durable, clock);
    made.push(name);
  }

  /** Neither way replaces what is there, be it a link. Whoever saves the same may take the part for a leftover. */
  async function linkOrWrite(part: string, name: string): Promise<string> {
    try {
      await retryBusy(() => link(folder.at(part), folder.at(name)), isBusy, clock);
      made.push(name);
    } catch (error) {
      if (!cannotLink(error) && errorCode(error) !== 'ENOENT') throw error;
      await write(name, bytes, true);
    }
    return name;
  }

  try {
    const wanted = pictureFileName(label, extension);
    const part = `${wanted}.${ownName()}.part`;
    // Linked into place, so that nobody sees half a picture.
    await write(part, bytes, true);
    const name = await linkOrWrite(part, wanted).catch(async (error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
      const found = await readRegular(folder.at(wanted)).catch(() => undefined);
      // This very picture was saved there before.
      if (found?.equals(bytes)) return wanted;
      const { name, ext } = parse(wanted);
      return linkOrWrite(part, `${name}-${ownName()}${ext}`);
    });
    const names = readdir(folder.at('.')).catch(() => [part]);
    const { about, jobId, prompt } = label;
    const known = { job_id: jobId, file: name, media_type: mediaType, prompt, ...about };
    // What is there already stays, and a picture without it is a picture all the same.
    const text = `${JSON.stringify(known, undefined, 2)}\n`;
    await write(`${parse(name).name}.json`, text, false).catch(() => undefined);
    // Its own, and those of processes that were killed while they saved this very picture.
    for (const left of await names)
      if (left.startsWith(`${wanted}.`) && left.endsWith('.part')) await unlink(folder.at(left)).catch(() => undefined);
    // The record that says that it is saved is forced to the disk, too.
    const [isUnmoved] = await Promise.all([folder.isUnmoved(), syncFolder(folder.at('.'))]);
    if (!isUnmoved) throw new Replaced('linked_folder');
    return name;
  } catch (error) {
    for (const name of made) await unlink(folder.at(name)).catch(() => undefined);
    throw error;
  }
}

/** `YYYY-MM` of the day on which the job was created, in UTC. */
export function monthFolder(createdAt: number): string {
  return new Date(createdAt).toISOString().slice(0, 7);
}

/** `stem_jobid.extension`; the job id keeps it apart from every other picture. */
export function pictureFileName(label: Pick<PictureLabel, 'jobId' | 'prompt' | 'fileName'>, extension: string): string {
  const stem = safeStem(label.fileName?.replace(IMAGE_EXTENSION, '') ?? label.prompt);
  return `${stem}_${label.jobId.replace(/[^\w-]/gu, '')}.${extension.replace(/[^a-z0-9]/gu, '')}`;
}

/** Letters, digits and single dashes of any script, at most 80 bytes, never empty, hidden or reserved. */
export function safeStem(text: string): string {
  const words = text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, '-')
    .replace(/^-/u, '');
  // It stops before the first character that does not fit.
  const { read } = new TextEncoder().encodeInto(words, new Uint8Array(STEM_MAX_BYTES));
  const cut = words.slice(0, read).replace(/-$/u, '');
  if (cut === '') return 'picture';
  return RESERVED_NAME.test(cut) ? `picture-${cut}` : cut;
}
