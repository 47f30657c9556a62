// Owns the sandbox's pictures as files: painted when first asked for, the same for the same prompt and size.

import { createHash } from 'node:crypto';
import { encodeJpeg, prepareEncoder } from './jpeg-encoder.ts';
import { paintLandscape } from './landscape.ts';
import { stampSandbox } from './stamp.ts';

/** A picture of 2048² takes a few hundred kilobytes. */
const KEPT_PICTURES = 48;

export type PictureRequest = { prompt: string; width: number; height: number };

/** A JPEG that depends on the prompt and the size alone. */
async function renderPicture({ prompt, width, height }: PictureRequest): Promise<Uint8Array> {
  const seed = createHash('sha256').update(prompt).digest().readUInt32LE(0);
  await prepareEncoder();
  const picture = paintLandscape(seed, width, height);
  stampSandbox(picture);
  return encodeJpeg(picture);
}

/** Remembers the pictures asked for last; simultaneous requests for one share its rendering. */
export class PictureCache {
  private readonly kept = new Map<string, Promise<Uint8Array>>();

  get(request: PictureRequest): Promise<Uint8Array> {
    const name = `${request.width}x${request.height} ${request.prompt}`;
    const picture = this.kept.get(name) ?? renderPicture(request);
    this.kept.delete(name);
    this.kept.set(name, picture);
    picture.catch(() => this.kept.delete(name));
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT_PICTURES) break;
      this.kept.delete(oldest);
    }
    return picture;
  }
}
