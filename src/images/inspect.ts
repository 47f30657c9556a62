/** Tells from its bytes what kind of picture this is, how large, and whether it came to its end. */
import { inspectAvif } from './formats/avif.ts';
import type { Inspected } from './formats/inspected.ts';
import { inspectJpeg } from './formats/jpeg.ts';
import { inspectPng } from './formats/png.ts';
import { inspectWebp } from './formats/webp.ts';

/** `undefined` for anything that is not JPEG, PNG, WebP or AVIF; what the sender called it does not count. */
export function inspectPicture(bytes: Uint8Array): Inspected | undefined {
  return inspectJpeg(bytes) ?? inspectPng(bytes) ?? inspectWebp(bytes) ?? inspectAvif(bytes);
}
