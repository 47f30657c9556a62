/** Makes a smaller JPEG of a picture: as large as fits into so many bytes. */
import type { PreviewBounds } from '../core/preview.ts';
import { decodePixels, encodeJpeg, type Pixels, resized } from './codecs.ts';
import type { Size } from './formats/format.ts';
import { withProfile } from './formats/jpeg.ts';
import { colorProfileOf, type Inspected, inspectPicture, isOnItsSide } from './inspect.ts';

export type MadePreview = { bytes: Uint8Array; size: Size };

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
  const seen = inspectPicture(bytes);
  if (seen === undefined || !mayBeDecoded(seen)) return undefined;
  const pixels = await decodePixels(bytes, seen.mediaType);
  if (pixels === undefined) return undefined;
  // The codecs leave colours as they are: without its profile the same numbers would be other colours.
  const profile = colorProfileOf(bytes);
  const kept = profile !== undefined && profile.length <= bounds.maxBytes / 4 ? profile : undefined;
  return fitted({ pixels: onWhite(pixels), orientation: seen.orientation, profile: kept }, bytes.length, bounds);
}

function mayBeDecoded({ size, isDamaged, isCmyk }: Inspected): boolean {
  if (size === undefined || isDamaged || isCmyk) return false;
  const { width, height } = size;
  return width * height <= PIXELS_MAX && Math.max(width, height) <= SIDE_MAX_PX;
}

/** Pixels as they are stored, and how they are to be displayed. */
type Source = { pixels: Pixels; orientation: number; profile: Uint8Array | undefined };

async function fitted(source: Source, sentBytes: number, bounds: PreviewBounds): Promise<MadePreview | undefined> {
  const longer = Math.max(source.pixels.width, source.pixels.height);
  const most = Math.min(longer, bounds.maxSidePx);
  const aim = AIM * bounds.maxBytes;
  // A PNG of grain has many times the bytes that a JPEG of it needs.
  let side = Math.min(most, Math.max(SIDE_MIN_PX, longer * Math.sqrt(aim / (SHARE * sentBytes))));
  let best: MadePreview | undefined;
  for (let tries = 0; tries < TRIES && side >= SIDE_MIN_PX; tries += 1) {
    const made = await encoded(source, Math.floor(side));
    const bytes = made.bytes.length;
    if (bytes <= bounds.maxBytes) {
      if (best === undefined || bytes > best.bytes.length) best = made;
      if (side >= most || bytes >= GOOD * bounds.maxBytes) break;
    }
    // Bytes grow with a power of the side that is not far from the square.
    side = Math.min(most, side * Math.sqrt(aim / bytes));
  }
  return best;
}

async function encoded({ pixels, orientation, profile }: Source, side: number): Promise<MadePreview> {
  const scale = Math.min(1, side / Math.max(pixels.width, pixels.height));
  const scaled = (px: number): number => Math.max(1, Math.round(px * scale));
  const small = { width: scaled(pixels.width), height: scaled(pixels.height) };
  const displayed = turned(scale === 1 ? pixels : await resized(pixels, small), orientation);
  const jpeg = await encodeJpeg(displayed, QUALITY);
  const { width, height } = displayed;
  return { bytes: profile === undefined ? jpeg : withProfile(jpeg, profile), size: { width, height } };
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
  const { width, height, data: stored } = pixels;
  const onSide = isOnItsSide(orientation);
  const to = onSide ? { width: height, height: width } : { width, height };
  const aligned = stored.byteOffset % 4 === 0 ? stored : stored.slice();
  const from = new Uint32Array(aligned.buffer, aligned.byteOffset, width * height);
  const data = new Uint32Array(width * height);
  const [mirrorX, mirrorY] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
  for (let y = 0, at = 0; y < to.height; y += 1) {
    for (let x = 0; x < to.width; x += 1, at += 1) {
      const [column, row] = onSide ? [y, x] : [x, y];
      const sourceX = mirrorX ? width - 1 - column : column;
      const sourceY = mirrorY ? height - 1 - row : row;
      data[at] = from[sourceY * width + sourceX] ?? 0;
    }
  }
  return { ...to, data: new Uint8ClampedArray(data.buffer) };
}
