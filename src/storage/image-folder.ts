/** Saved pictures: new files inside the output folder, written whole or not at all. */
import { randomBytes } from 'node:crypto';
import { link, open, unlink } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import type { ImageStore, PictureLabel } from '../core/image-store.ts';
import type { StorageReason } from '../core/reasons.ts';
import { cannotLink, errorCode, isBusy } from './error-code.ts';
import { monthFolder, pictureFileName } from './file-names.ts';
import { type GuardedFolder, LedAway, openGuarded } from './guarded-folder.ts';
import { makeFolder } from './make-folder.ts';
import { retryBusy } from './retry-busy.ts';
import { Replaced, readRegular, readSaved } from './saved-picture.ts';
import { syncFolder } from './sync-to-disk.ts';

/** For this user alone: what lies next to a picture holds the whole prompt. */
const MODE = 0o600;

export type ImageFolderDeps = {
  clock: Pick<Clock, 'sleep'>;
  /** Whether the bytes, or their beginning, may be what was saved under that extension (without its dot). */
  isPicture: (bytes: Uint8Array, extension: string) => boolean;
};

/** @param root resolves to the absolute output folder; asked at the first picture, and the folder is made then */
export function createImageFolder(root: () => Promise<string>, deps: ImageFolderDeps): ImageStore {
  const readPicture = async (file: string, headOnly: boolean): Promise<Uint8Array> => {
    const isPicture = (bytes: Uint8Array): boolean => deps.isPicture(bytes, extname(file).slice(1));
    return readSaved(await root(), file, { isPicture, headOnly });
  };
  return {
    async save(picture, label) {
      const output = await root();
      const month = monthFolder(label.createdAt);
      const target = join(output, month);
      try {
        await makeFolder(output);
        const folder = await openGuarded(output, [month], true);
        try {
          return join(target, await saveIn(folder, pictureFileName(label, picture.extension)));
        } finally {
          await folder.close();
        }
      } catch (error) {
        const problem = error instanceof LedAway ? 'leads_away' : errorCode(error);
        throw failed({ code: 'picture_not_saved', folder: target, problem }, error);
      }

      async function saveIn(folder: GuardedFolder, wanted: string): Promise<string> {
        const saved = new SavedFiles(folder, deps.clock);
        try {
          const name = await saved.picture(wanted, picture.bytes);
          await saved.about(name, label, picture.mediaType);
          // The record that says that it is saved is forced to the disk, too.
          await syncFolder(folder.at('.'));
          if (!(await folder.isUnmoved())) throw new LedAway();
          return name;
        } catch (error) {
          await saved.remove();
          throw error;
        }
      }
    },
    async has(file) {
      return readPicture(file, true).then(
        () => true,
        () => false,
      );
    },
    async read(file) {
      try {
        return await readPicture(file, false);
      } catch (error) {
        if (error instanceof Replaced) throw failed({ code: 'picture_replaced', file, by: error.by }, error);
        throw failed({ code: 'picture_not_readable', file, error: errorCode(error) }, error);
      }
    },
  };
}

/** What one picture leaves in its folder, so that all of it can be taken back. */
class SavedFiles {
  readonly #folder: GuardedFolder;
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #made: string[] = [];

  constructor(folder: GuardedFolder, clock: Pick<Clock, 'sleep'>) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /**
   * Writes the bytes under a name of their own and links them into place, so that nobody sees half a picture and an
   * existing file (or a symbolic link of that name) stays as it is.
   * @returns the name that the picture got: another one than wanted when that is taken by something else
   */
  async picture(wanted: string, bytes: Uint8Array): Promise<string> {
    const part = `${wanted}.${randomBytes(4).toString('hex')}.part`;
    try {
      await this.#write(part, bytes);
      return await this.#replaceTarget(part, wanted, bytes);
    } finally {
      await unlink(this.#folder.at(part)).catch(() => undefined);
    }
  }

  async #replaceTarget(part: string, wanted: string, bytes: Uint8Array): Promise<string> {
    try {
      await this.#linkOrWrite(part, wanted, bytes);
      return wanted;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      if (await this.#contains(wanted, bytes)) return wanted;
      const { name, ext } = parse(wanted);
      const other = `${name}-${randomBytes(4).toString('hex')}${ext}`;
      await this.#linkOrWrite(part, other, bytes);
      return other;
    }
  }

  /** Neither way ever replaces what is there. */
  async #linkOrWrite(part: string, name: string, bytes: Uint8Array): Promise<void> {
    const { at } = this.#folder;
    try {
      await retryBusy(() => link(at(part), at(name)), isBusy, this.#clock);
      this.#made.push(name);
    } catch (error) {
      if (!cannotLink(error)) throw error;
      await this.#write(name, bytes);
    }
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#folder.at(name);
    const file = await retryBusy(() => open(path, 'wx', MODE), isBusy, this.#clock);
    this.#made.push(name);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Whether this very picture was saved there before; a symbolic link is not followed to find out. */
  async #contains(name: string, bytes: Uint8Array): Promise<boolean> {
    const found = await readRegular(this.#folder, name).catch((error: unknown) => {
      if (error instanceof Replaced) return undefined;
      throw error;
    });
    return found !== undefined && Buffer.compare(found, bytes) === 0;
  }

  /** What is there already stays; a picture without it is a picture all the same. */
  async about(picture: string, { about, jobId, prompt }: PictureLabel, mediaType: string): Promise<void> {
    const name = `${parse(picture).name}.json`;
    const text = JSON.stringify(
      { job_id: jobId, file: picture, media_type: mediaType, prompt, ...about },
      undefined,
      2,
    );
    const file = await open(this.#folder.at(name), 'wx', MODE).catch(() => undefined);
    if (file === undefined) return;
    this.#made.push(name);
    try {
      await file.writeFile(`${text}\n`);
    } catch {
      // Half of it would say something wrong.
      await unlink(this.#folder.at(name)).catch(() => undefined);
    } finally {
      await file.close();
    }
  }

  async remove(): Promise<void> {
    for (const name of this.#made) await unlink(this.#folder.at(name)).catch(() => undefined);
  }
}

function failed(reason: StorageReason, cause: unknown): FluxError {
  return new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'yes', retry: 'same_job' }, { cause });
}
