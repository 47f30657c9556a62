/** Reads saved pictures back: regular files inside the output folder that are pictures, and nothing else. */
import { constants, lstat, open } from 'node:fs/promises';
import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import type { PictureReplacement } from '../core/reasons.ts';
import { errorCode } from './error-code.ts';
import { type GuardedFolder, LedAway, openGuarded } from './guarded-folder.ts';
import { stepsBelow } from './recorded-path.ts';

/** Enough to recognise every format by. */
const HEAD_BYTES = 65_536;
/** A FIFO that takes the file's place at the last moment keeps nobody waiting, and a link is not followed. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** Something else lies in the place of a picture. */
export class Replaced extends Error {
  constructor(readonly by: PictureReplacement) {
    super(by);
  }
}

/** @throws Replaced, or the system's error */
export async function readSaved(
  root: string,
  file: string,
  { isPicture, headOnly = false }: { isPicture: (bytes: Uint8Array) => boolean; headOnly?: boolean },
): Promise<Uint8Array> {
  const steps = stepsBelow(root, file);
  const name = steps?.pop();
  if (steps === undefined || name === undefined) throw new Replaced('outside');
  const folder = await openGuarded(root, steps, false).catch((error: unknown) => {
    throw error instanceof LedAway ? new Replaced('linked_folder') : error;
  });
  try {
    const bytes = await readRegular(folder, name, headOnly ? HEAD_BYTES : undefined);
    if (!(await folder.isUnmoved())) throw new Replaced('linked_folder');
    if (!isPicture(bytes)) throw new Replaced('no_picture');
    return bytes;
  } finally {
    await folder.close();
  }
}

/** @param atMost reads no more than the beginning @throws Replaced, or the system's error */
export async function readRegular(folder: GuardedFolder, name: string, atMost?: number): Promise<Buffer> {
  const path = folder.at(name);
  // Opening some devices does something, so that the kind is checked first.
  const seen = await lstat(path, { bigint: true });
  if (seen.isSymbolicLink()) throw new Replaced('link');
  if (!seen.isFile()) throw new Replaced('no_file');
  const file = await open(path, READ).catch((error: unknown) => {
    throw errorCode(error) === 'ELOOP' ? new Replaced('link') : error;
  });
  try {
    const { dev, ino, size } = await file.stat({ bigint: true });
    if (dev !== seen.dev || ino !== seen.ino) throw new Replaced('link');
    if (size > PICTURE_MAX_BYTES) throw new Replaced('too_large');
    const bytes = Buffer.alloc(Math.min(Number(size), atMost ?? PICTURE_MAX_BYTES));
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}
