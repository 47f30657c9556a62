/** Knows kinds of pictures that are kept as they come and never decoded here, by their first bytes. */
import { type ByteReader, type Found, sizeOf } from './format.ts';

export function gif(reader: ByteReader): Found | undefined {
  if (!reader.startsWith(0, 'GIF87a') && !reader.startsWith(0, 'GIF89a')) return undefined;
  // The trailer, before what some hosts pad with.
  let last = reader.length - 1;
  while (last > 0 && reader.byte(last) === 0) last -= 1;
  const isWhole = reader.length >= 14 && reader.byte(last) === 0x3b;
  return { type: ['image/gif', 'gif'], isWhole, size: sizeOf(reader.uint16(6, true), reader.uint16(8, true)) };
}

const BMP_HEADERS = [12, 40, 52, 56, 64, 108, 124];

export function bmp(reader: ByteReader): Found | undefined {
  // Two letters are the beginning of many texts: the reserved bytes and the length of the next header are not.
  const header = reader.uint32(14, true);
  if (!reader.startsWith(0, 'BM') || reader.uint32(6) !== 0 || !BMP_HEADERS.includes(header)) return undefined;
  const size =
    header === 12
      ? sizeOf(reader.uint16(18, true), reader.uint16(20, true))
      : sizeOf(reader.uint32(18, true), Math.abs(reader.uint32(22, true) | 0));
  return { type: ['image/bmp', 'bmp'], isWhole: reader.length >= reader.uint32(2, true), size };
}

const SIGNATURES = [
  { signature: '\u00ff\n', type: ['image/jxl', 'jxl'] },
  { signature: '\0\0\0\u000cJXL \r\n\u0087\n', type: ['image/jxl', 'jxl'] },
  { signature: '\0\0\0\u000cjP  \r\n\u0087\n', type: ['image/jp2', 'jp2'] },
] as const;

export function signed(reader: ByteReader): Found | undefined {
  const known = SIGNATURES.find(({ signature }) => reader.startsWith(0, signature));
  return known && { type: known.type, isWhole: true };
}

/** By the brand at the beginning. */
const BRANDS = [
  { type: ['image/avif', 'avif'], brands: ['avif', 'avis'] },
  { type: ['image/heic', 'heic'], brands: ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx'] },
  { type: ['image/heif', 'heif'], brands: ['mif1', 'msf1'] },
] as const;
/** The size is in the head, in a box `ispe` some boxes deep; it is searched for instead of walked to. */
const BOXES_HEAD_BYTES = 4_096;

/** AVIF and HEIC (ISO 14496-12). */
export function boxed(reader: ByteReader): Found | undefined {
  const known = BRANDS.find(({ brands }) => brands.some((brand) => reader.startsWith(4, `ftyp${brand}`)));
  if (known === undefined) return undefined;
  const at = reader.word(0, BOXES_HEAD_BYTES).indexOf('ispe');
  const size = at < 0 ? undefined : sizeOf(reader.uint32(at + 8), reader.uint32(at + 12));
  return { type: known.type, isWhole: isClosed(reader), size };
}

/** Whether the boxes, one with the pixels among them, end where the bytes do. */
function isClosed(reader: ByteReader): boolean {
  let hasPixels = false;
  let at = 0;
  while (at + 8 <= reader.length) {
    const length = reader.uint32(at);
    hasPixels ||= reader.startsWith(at + 4, 'mdat');
    // 0: the box takes the rest. 1: its length follows its name, in 8 bytes.
    if (length === 0) return hasPixels;
    const whole = length === 1 ? reader.uint32(at + 8) * 2 ** 32 + reader.uint32(at + 12) : length;
    if (whole < 8) return false;
    at += whole;
  }
  return hasPixels && at === reader.length;
}
