/** Makes a smaller JPEG of a picture: as large as fits into so many bytes. */
import type { PixelSize, PreviewBounds } from '../core/image-store.ts';
import { decodePixels, encodeJpeg, type Pixels, shrunk } from './codecs.ts';
import { withProfile } from './formats.ts';
import { colorProfileOf, type Inspected, inspectPicture, isOnItsSide } from './inspect.ts';

export type MadePreview = { bytes: Uint8Array; size: PixelSize };

/**
 * The header decides how much memory a decoder takes, some 25 bytes a pixel: no more is decoded than twice what can be
 * ordered, on sides of at most twice the longest.
 */
const PIXELS_MAX = 2 * 2_048 * 2_048;
const SIDE_MAX_PX = 2 * 2_048;
const QUALITY = 78;
/** Nothing worth looking at. */
const SIDE_MIN_PX = 64;
const TRIES = 5;
/** What a try aims at, and from where on it is taken: sizes cannot be foretold to the byte. */
const AIM = 0.94;
const GOOD = 0.85;
/** What a picture of this quality has of the bytes of one that a service sends. */
const SHARE = 0.7;

/**
 * @returns `undefined` for a format that is not decoded here, headers that contradict each other, too many pixels, or
 * too few bytes for any picture
 */
export async function makePreview(bytes: Uint8Array, bounds: PreviewBounds): Promise<MadePreview | undefined> {
  const pixels = await pixelsOf(bytes);
  // The codecs leave colours as they are: without its profile the same numbers would be other colours.
  const profile = colorProfileOf(bytes);
  const fits = profile !== undefined && profile.length <= bounds.maxBytes / 4;
  return pixels && encodedWithin(pixels, bounds, bytes.length, fits ? profile : undefined);
}

/** As they are displayed. */
export async function pixelsOf(bytes: Uint8Array): Promise<Pixels | undefined> {
  const seen = inspectPicture(bytes);
  const decoded = seen && mayBeDecoded(seen) ? await decodePixels(bytes, seen.mediaType) : undefined;
  return decoded && turned(onWhite(decoded), seen?.orientation ?? 1);
}

/** @param length of the whole picture, encoded */
export async function encodedWithin(pixels: Pixels, bounds: PreviewBounds, length: number, profile?: Uint8Array) {
  const longer = Math.max(pixels.width, pixels.height);
  const most = Math.min(longer, bounds.maxSidePx);
  const aim = AIM * bounds.maxBytes;
  // A PNG of grain has many times the bytes that a JPEG of it needs.
  let side = Math.min(most, Math.max(SIDE_MIN_PX, longer * Math.sqrt(aim / (SHARE * length))));
  let best: MadePreview | undefined;
  for (let tries = 0; tries < TRIES && side >= SIDE_MIN_PX; tries += 1) {
    const small = await shrunk(pixels, Math.floor(side));
    const jpeg = await encodeJpeg(small, QUALITY);
    const made = profile === undefined ? jpeg : withProfile(jpeg, profile);
    if (made.length <= bounds.maxBytes) {
      const { width, height } = small;
      if (best === undefined || made.length > best.bytes.length) best = { bytes: made, size: { width, height } };
      if (side >= most || made.length >= GOOD * bounds.maxBytes) break;
    }
    // Bytes grow with a power of the side that is not far from the square.
    side = Math.min(most, side * Math.sqrt(aim / made.length));
  }
  return best;
}

function mayBeDecoded({ size, isDamaged, isCmyk }: Inspected): boolean {
  if (size === undefined || isDamaged || isCmyk) return false;
  const { width, height } = size;
  return width * height <= PIXELS_MAX && Math.max(width, height) <= SIDE_MAX_PX;
}

/** A JPEG has no transparency, and what lies under it is often black. */
function onWhite(pixels: Pixels): Pixels {
  const { data } = pixels;
  for (let at = 3; at < data.length; at += 4) {
    const alpha = data[at] ?? 255;
    if (alpha === 255) continue;
    for (let channel = at - 3; channel < at; channel += 1)
      data[channel] = ((data[channel] ?? 0) * alpha + 255 * (255 - alpha)) / 255;
    data[at] = 255;
  }
  return pixels;
}

/** Turns and mirrors pixels as EXIF says that they are displayed. */
function turned(pixels: Pixels, orientation: number): Pixels {
  if (orientation === 1) return pixels;
  const { width, height } = pixels;
  const onSide = isOnItsSide(orientation);
  const to = onSide ? { width: height, height: width } : { width, height };
  const [mirrorX, mirrorY] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
  const from = new Uint32Array(Uint8Array.from(pixels.data).buffer);
  const data = new Uint32Array(width * height);
  for (let y = 0, at = 0; y < to.height; y += 1) {
    for (let x = 0; x < to.width; x += 1, at += 1) {
      const column = onSide ? y : x;
      const row = onSide ? x : y;
      const sourceX = mirrorX ? width - 1 - column : column;
      data[at] = from[(mirrorY ? height - 1 - row : row) * width + sourceX] ?? 0;
    }
  }
  return { ...to, data: new Uint8ClampedArray(data.buffer) };
}
