/** Makes a smaller JPEG of a picture: as large as fits into so many bytes. */
import type { PreviewBounds } from '../core/preview.ts';
import { decodeJpegPixels } from './codecs/jpeg-decoder.ts';
import { encodeJpeg } from './codecs/jpeg-encoder.ts';
import type { Pixels } from './codecs/pixels.ts';
import { decodePng } from './codecs/png-decoder.ts';
import { resized } from './codecs/resizer.ts';
import { decodeWebp } from './codecs/webp-decoder.ts';
import { inspectPicture } from './inspect.ts';

export type MadePreview = { bytes: Uint8Array; width: number; height: number };

/** Pixels are four bytes each while they are decoded; a header that promises more is not followed. */
const PIXELS_MAX = 50_000_000;
const QUALITY = 78;
/** Nothing worth looking at. */
const SIDE_MIN_PX = 64;
const TRIES = 5;
/** What a try aims at, and from where on it is taken: sizes cannot be foretold to the byte. */
const AIM = 0.94;
const GOOD = 0.85;
/** What a picture of this quality has of the bytes of one that a service sends. */
const SHARE = 0.7;

/** @returns `undefined` for a format that is not decoded here, too many pixels, or too few bytes for any picture */
export async function makePreview(bytes: Uint8Array, bounds: PreviewBounds): Promise<MadePreview | undefined> {
  const size = inspectPicture(bytes)?.size;
  if (size === undefined || size.width * size.height > PIXELS_MAX) return undefined;
  const pixels = await decode(bytes);
  return pixels === undefined ? undefined : fitted(onWhite(pixels), bytes.length, bounds);
}

function decode(bytes: Uint8Array): Promise<Pixels> | undefined {
  switch (inspectPicture(bytes)?.mediaType) {
    case 'image/jpeg':
      return decodeJpegPixels(bytes);
    case 'image/png':
      return decodePng(bytes);
    case 'image/webp':
      return decodeWebp(bytes);
    default:
      return undefined;
  }
}

async function fitted(pixels: Pixels, sentBytes: number, bounds: PreviewBounds): Promise<MadePreview | undefined> {
  const longer = Math.max(pixels.width, pixels.height);
  const most = Math.min(longer, bounds.maxSidePx);
  const aim = AIM * bounds.maxBytes;
  // A PNG of grain has many times the bytes that a JPEG of it needs.
  let side = Math.min(most, Math.max(SIDE_MIN_PX, longer * Math.sqrt(aim / (SHARE * sentBytes))));
  let best: MadePreview | undefined;
  let fits: Try | undefined;
  let exceeds: Try | undefined;
  for (let tries = 0; tries < TRIES && side >= SIDE_MIN_PX; tries += 1) {
    const made = await encoded(pixels, Math.floor(side));
    const tried = { side, bytes: made.bytes.length };
    if (tried.bytes > bounds.maxBytes) exceeds = tried;
    else {
      best = made;
      fits = tried;
      if (side >= most || tried.bytes >= GOOD * bounds.maxBytes) break;
    }
    side = Math.min(most, sideFor(aim, tried, fits, exceeds));
    // Nothing to be won any more.
    if (fits !== undefined && side < 1.01 * fits.side) break;
  }
  return best;
}

/** What a picture of that side took. */
type Try = { side: number; bytes: number };

/** Bytes grow with a power of the side: as it is between two tries, or with the square as long as there is one. */
function sideFor(aim: number, last: Try, fits: Try | undefined, exceeds: Try | undefined): number {
  if (fits === undefined || exceeds === undefined) return last.side * Math.sqrt(aim / last.bytes);
  const power = Math.log(exceeds.bytes / fits.bytes) / Math.log(exceeds.side / fits.side);
  return fits.side * (aim / fits.bytes) ** (1 / power);
}

async function encoded(pixels: Pixels, side: number): Promise<MadePreview> {
  const scale = Math.min(1, side / Math.max(pixels.width, pixels.height));
  const [width, height] = [pixels.width, pixels.height].map((px) => Math.max(1, Math.round(px * scale)));
  const size = { width: width ?? 1, height: height ?? 1 };
  const bytes = await encodeJpeg(scale === 1 ? pixels : await resized(pixels, size), QUALITY);
  return { bytes, ...size };
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
