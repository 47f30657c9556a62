/** Tells from its bytes what kind of picture this is, how large, and whether it came to its end. */
import { inspectAvif } from './formats/avif.ts';
import { inspectJpeg } from './formats/jpeg.ts';
import { inspectPng } from './formats/png.ts';
import { inspectWebp } from './formats/webp.ts';

export type Inspected = {
  mediaType: string;
  extension: string;
  /** Pixels; absent where the bytes do not tell. */
  size?: { width: number; height: number };
  /** False for what was certainly cut off: a connection that closes early leaves half of one that begins well. */
  isWhole: boolean;
};

/** `undefined` for anything that is not JPEG, PNG, WebP or AVIF; what the sender called it does not count. */
export function inspectPicture(bytes: Uint8Array): Inspected | undefined {
  return inspectJpeg(bytes) ?? inspectPng(bytes) ?? inspectWebp(bytes) ?? inspectAvif(bytes);
}
