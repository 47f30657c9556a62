// Owns the sandbox's pictures as files: a landscape for each name, marked, as JPEG.

import { createHash } from 'node:crypto';
import { encodeJpeg, prepareEncoder } from './jpeg-encoder.ts';
import { paintLandscape } from './landscape.ts';
import { stampSandbox } from './stamp.ts';

/** The same for the same name and size. */
export async function drawPicture(name: string, width: number, height: number): Promise<Uint8Array> {
  const seed = createHash('sha256').update(name).digest().readUInt32LE(0);
  await prepareEncoder();
  const picture = paintLandscape(seed, width, height);
  stampSandbox(picture);
  return encodeJpeg(picture);
}
