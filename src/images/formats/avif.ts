/** Walks through the boxes of an AVIF or HEIC (ISO 14496-12): none may reach beyond the end. */
import { ByteReader } from './byte-reader.ts';
import { type Inspected, inspected, sizeOf } from './inspected.ts';

/** The size is in the head, in a box `ispe` some boxes deep; it is searched for instead of walked to. */
const HEAD_BYTES = 4_096;

/** By the brand at the beginning. */
const TYPES = [
  { type: ['image/avif', 'avif'], brands: ['avif', 'avis'] },
  { type: ['image/heic', 'heic'], brands: ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx'] },
  { type: ['image/heif', 'heif'], brands: ['mif1', 'msf1'] },
] as const;

export function inspectAvif(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  const known = TYPES.find(({ brands }) => brands.some((brand) => reader.startsWith(4, `ftyp${brand}`)));
  if (known === undefined) return undefined;
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES)).indexOf('ispe');
  const size = at < 0 ? undefined : sizeOf(reader.uint32(at + 8), reader.uint32(at + 12));
  return inspected(known.type, isClosed(reader), size);
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
