/** Tells from its bytes what kind of picture this is, how large, and whether it came to its end. */
import type { TextFound } from '../core/reasons.ts';
import type { Chunk, Format, Found } from './formats.ts';
import { chunks, has, jpeg, png, sizeOf, tiffValue, uint, webp } from './formats.ts';

/** As formats find it, and `size` that of the picture as it is displayed. */
export type Inspected = NonNullable<ReturnType<typeof inspectPicture>>;

/** By the second half of the media type. */
const FORMATS: Readonly<Record<string, Format>> = {
  jpeg,
  png,
  webp,
  avif: boxed('avif', 'avis'),
  heic: boxed('heic', 'heix', 'heim', 'heis', 'hevc', 'hevx'),
  heif: boxed('mif1', 'msf1'),
  gif,
  tiff,
  bmp,
  jxl: signed('\u00ff\n', '\0\0\0\u000cJXL \r\n\u0087\n'),
  jp2: signed('\0\0\0\u000cjP  \r\n\u0087\n'),
};

/** `undefined` for anything that is not a kind of picture known here; what the sender called it does not count. */
export function inspectPicture(bytes: Uint8Array) {
  const found = find(bytes);
  if (found === undefined) return undefined;
  const { format, isWhole, size, orientation = 1, isDamaged = false, isCmyk = false } = found;
  const displayed = size && isOnItsSide(orientation) ? { width: size.height, height: size.width } : size;
  const extension = format === 'jpeg' ? 'jpg' : format;
  const facts = { isWhole, orientation, isDamaged, isCmyk };
  return { mediaType: `image/${format}`, extension, ...facts, ...(displayed && { size: displayed }) };
}

export function isOnItsSide(orientation: number): boolean {
  return orientation >= 5;
}

/** Display P3 and Adobe RGB take about 600 bytes; a preview has room for little more. */
const PROFILE_MAX_BYTES = 16_384;

/** The colour profile of a picture in RGB; `undefined` for none, and for one that is larger than any usual one. */
export function colorProfileOf(bytes: Uint8Array): Uint8Array | undefined {
  const profile = find(bytes)?.profile?.(PROFILE_MAX_BYTES);
  if (profile === undefined || profile.length > PROFILE_MAX_BYTES) return undefined;
  // The previews are in RGB: a profile for grey or for printing would turn their colours into others.
  const header = bufferOf(profile);
  return has(header, 36, 'acsp') && has(header, 16, 'RGB ') ? profile : undefined;
}

function find(bytes: Uint8Array): (Found & { format: string }) | undefined {
  const buffer = bufferOf(bytes);
  for (const [format, read] of Object.entries(FORMATS)) {
    const found = read(buffer);
    if (found !== undefined) return { ...found, format };
  }
  return undefined;
}

const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length);

/** Whether these bytes, or their beginning, may be what was saved under that extension. */
export function mayBeSavedAs(bytes: Uint8Array, extension: string): boolean {
  return extension === 'bin' ? wordsIn(bytes) === undefined : inspectPicture(bytes) !== undefined;
}

const EXAMINED_BYTES = 4_096;

export function wordsIn(bytes: Uint8Array): TextFound | undefined {
  if (bytes.length === 0) return 'nothing';
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const read = bufferOf(bytes).toString(isUtf16 ? 'utf16le' : 'latin1', 0, EXAMINED_BYTES);
  const text = read
    .replace(/^(?:\uFEFF|ï»¿)/u, '')
    .trimStart()
    .toLowerCase();
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<svg/u.test(text)) return 'svg';
  if (/^(?:<!doctype html|<html|<head|<body|<script|<title)/u.test(text)) return 'html';
  // A picture has control characters long before this many bytes; read as Latin 1, UTF-8 has some beyond ASCII.
  if (/[^\P{Cc}\s\u0080-\u009f]/u.test(text)) return undefined;
  return text.startsWith('{') || text.startsWith('[') ? 'json' : 'text';
}

/** What follows are kinds of pictures that are kept as they come and never decoded here. */
function gif(bytes: Buffer): Found | undefined {
  if (!has(bytes, 0, 'GIF87a') && !has(bytes, 0, 'GIF89a')) return undefined;
  // The trailer, before what some hosts pad with.
  const last = bytes.findLastIndex((byte) => byte !== 0);
  const isWhole = bytes.length >= 14 && bytes[last] === 0x3b;
  return { isWhole, size: sizeOf(uint(bytes, 6, 2, true), uint(bytes, 8, 2, true)) };
}

function tiff(bytes: Buffer): Found | undefined {
  if (!has(bytes, 0, 'II*\0') && !has(bytes, 0, 'MM\0*')) return undefined;
  // The tags of its width and height.
  return { isWhole: true, size: sizeOf(tiffValue(bytes, 0x100), tiffValue(bytes, 0x101)) };
}

const BMP_HEADERS = [40, 52, 56, 64, 108, 124];

function bmp(bytes: Buffer): Found | undefined {
  // Two letters are the beginning of many texts: the reserved bytes and the length of the next header are not.
  const isKnown = has(bytes, 0, 'BM') && uint(bytes, 6, 4) === 0 && BMP_HEADERS.includes(uint(bytes, 14, 4, true));
  if (!isKnown) return undefined;
  const size = sizeOf(uint(bytes, 18, 4, true), Math.abs(uint(bytes, 22, 4, true) | 0));
  return { isWhole: bytes.length >= uint(bytes, 2, 4, true), size };
}

function signed(...signatures: string[]): Format {
  return (bytes) => (signatures.some((signature) => has(bytes, 0, signature)) ? { isWhole: true } : undefined);
}

/** The size is in the head, in a box `ispe` some boxes deep; it is searched for instead of walked to. */
const HEAD_BYTES = 4_096;

/** ISO 14496-12, by the brand at the beginning. */
function boxed(...brands: string[]): Format {
  return (bytes) => {
    if (!brands.some((brand) => has(bytes, 4, `ftyp${brand}`))) return undefined;
    const at = bytes.subarray(0, HEAD_BYTES).indexOf('ispe');
    const size = at < 0 ? undefined : sizeOf(uint(bytes, at + 8, 4), uint(bytes, at + 12, 4));
    let hasPixels = false;
    let end = 0;
    for (const { name, next } of chunks(bytes, 0, boxAt)) {
      hasPixels ||= name === 'mdat';
      end = next;
    }
    return { isWhole: hasPixels && end === bytes.length, size };
  };
}

function boxAt(bytes: Buffer, at: number): Chunk {
  const short = uint(bytes, at, 4);
  // 0: the box takes the rest. 1: its length follows its name, in 8 bytes.
  const long = uint(bytes, at + 8, 4) * 2 ** 32 + uint(bytes, at + 12, 4);
  const next = short === 0 ? bytes.length : at + (short === 1 ? long : short);
  return { name: bytes.toString('latin1', at + 4, at + 8), content: bytes.subarray(at + 8, next), next };
}
