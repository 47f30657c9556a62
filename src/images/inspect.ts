/** Tells from its bytes what kind of picture this is, how large, and whether it came to its end. */
import { inspectAvif } from './formats/avif.ts';
import type { Inspected } from './formats/inspected.ts';
import { inspectJpeg, profileInJpeg } from './formats/jpeg.ts';
import { inspectKept } from './formats/kept.ts';
import { inspectPng, profileInPng } from './formats/png.ts';
import { inspectWebp, profileInWebp } from './formats/webp.ts';

/** `undefined` for anything that is not a kind of picture known here; what the sender called it does not count. */
export function inspectPicture(bytes: Uint8Array): Inspected | undefined {
  return inspectJpeg(bytes) ?? inspectPng(bytes) ?? inspectWebp(bytes) ?? inspectAvif(bytes) ?? inspectKept(bytes);
}

/** Display P3 and Adobe RGB take about 600 bytes; a preview has room for little more. */
const PROFILE_MAX_BYTES = 16_384;
const PROFILE_MIN_BYTES = 128;

const PROFILES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array | undefined>> = {
  'image/jpeg': profileInJpeg,
  'image/png': (bytes) => profileInPng(bytes, PROFILE_MAX_BYTES),
  'image/webp': profileInWebp,
};

/** The colour profile of a picture in RGB; `undefined` for none, and for one that is larger than any usual one. */
export function colorProfileOf(bytes: Uint8Array, { mediaType }: Pick<Inspected, 'mediaType'>): Uint8Array | undefined {
  const profile = PROFILES[mediaType]?.(bytes);
  if (profile === undefined || profile.length < PROFILE_MIN_BYTES || profile.length > PROFILE_MAX_BYTES)
    return undefined;
  const text = Buffer.from(profile).toString('latin1', 0, 40);
  // The previews are in RGB: a profile for grey or for printing would turn their colours into others.
  return text.slice(36, 40) === 'acsp' && text.slice(16, 20) === 'RGB ' ? profile : undefined;
}
