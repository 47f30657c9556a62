/** Tells from its bytes what kind of picture this is, how large, and whether it came to its end. */
import type { TextFound } from '../core/reasons.ts';
import { png, webp } from './formats/chunked.ts';
import { ByteReader, type Format, type Found, type Size } from './formats/format.ts';
import { jpeg } from './formats/jpeg.ts';
import { bmp, boxed, gif, signed } from './formats/others.ts';
import { tiff } from './formats/tiff.ts';

export type Inspected = {
  mediaType: string;
  extension: string;
  /** Pixels as the picture is displayed; absent where the bytes do not say. */
  size?: Size;
  isWhole: boolean;
  /** How the stored pixels are turned to be displayed, as EXIF counts it: 1 (not at all) to 8. */
  orientation: number;
  /** Its headers contradict each other: no decoder is given such bytes, and no host. */
  isDamaged: boolean;
  /** Printing colours, which are not decoded here. */
  isCmyk: boolean;
};

const FORMATS: readonly Format[] = [jpeg, png, webp, boxed, gif, tiff, bmp, signed];

/** `undefined` for anything that is not a kind of picture known here; what the sender called it does not count. */
export function inspectPicture(bytes: Uint8Array): Inspected | undefined {
  const found = find(bytes);
  if (found === undefined) return undefined;
  const { type, isWhole, size, orientation = 1, isDamaged = false, isCmyk = false } = found;
  const [mediaType, extension] = type;
  const displayed = size && isOnItsSide(orientation) ? { width: size.height, height: size.width } : size;
  return { mediaType, extension, isWhole, orientation, isDamaged, isCmyk, ...(displayed && { size: displayed }) };
}

export function isOnItsSide(orientation: number): boolean {
  return orientation >= 5;
}

/** Display P3 and Adobe RGB take about 600 bytes; a preview has room for little more. */
const PROFILE_MAX_BYTES = 16_384;
const PROFILE_MIN_BYTES = 128;

/** The colour profile of a picture in RGB; `undefined` for none, and for one that is larger than any usual one. */
export function colorProfileOf(bytes: Uint8Array): Uint8Array | undefined {
  const profile = find(bytes)?.profile?.(PROFILE_MAX_BYTES);
  if (profile === undefined || profile.length < PROFILE_MIN_BYTES || profile.length > PROFILE_MAX_BYTES)
    return undefined;
  // The previews are in RGB: a profile for grey or for printing would turn their colours into others.
  const reader = new ByteReader(profile);
  return reader.startsWith(36, 'acsp') && reader.startsWith(16, 'RGB ') ? profile : undefined;
}

function find(bytes: Uint8Array): Found | undefined {
  const reader = new ByteReader(bytes);
  for (const format of FORMATS) {
    const found = format(reader);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether these bytes, or their beginning, may be what was saved under that extension. */
export function mayBeSavedAs(bytes: Uint8Array, extension: string): boolean {
  return extension === 'bin' ? wordsIn(bytes) === undefined : inspectPicture(bytes) !== undefined;
}

const EXAMINED_BYTES = 4_096;

/** What kind of text it is; `undefined` for none. */
export function wordsIn(bytes: Uint8Array): TextFound | undefined {
  if (bytes.length === 0) return 'nothing';
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const read = Buffer.from(bytes.subarray(0, EXAMINED_BYTES)).toString(isUtf16 ? 'utf16le' : 'latin1');
  const text = read
    .replace(/^(?:\uFEFF|ï»¿)/u, '')
    .trimStart()
    .toLowerCase();
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<svg/u.test(text)) return 'svg';
  if (/^(?:<!doctype html|<html|<head|<body|<script|<title)/u.test(text)) return 'html';
  // A picture has control characters long before this many bytes; read as Latin 1, UTF-8 has some beyond ASCII.
  if (/[^\P{Cc}\s\u0080-\u009f]/u.test(text)) return undefined;
  if (text.startsWith('{') || text.startsWith('[')) return 'json';
  return text.startsWith('<?xml') ? 'xml' : 'text';
}
