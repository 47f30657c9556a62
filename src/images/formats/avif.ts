/** Walks through the boxes of an AVIF or HEIC (ISO 14496-12): none may reach beyond the end. */
import { ByteReader } from './byte-reader.ts';
import { type Inspected, inspected } from './inspected.ts';

/** The size stands in the head, in a box `ispe` some boxes deep; it is looked for instead of walked to. */
const HEAD_BYTES = 4_096;

/** By the brand at the beginning. */
const TYPES = [
  { mediaType: 'image/avif', extension: 'avif', brands: ['avif', 'avis'] },
  { mediaType: 'image/heic', extension: 'heic', brands: ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx'] },
  { mediaType: 'image/heif', extension: 'heif', brands: ['mif1', 'msf1'] },
];

export function inspectAvif(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  const type = TYPES.find(({ brands }) => brands.some((brand) => reader.startsWith(4, `ftyp${brand}`)));
  if (type === undefined) return undefined;
  const { mediaType, extension } = type;
  return inspected({ mediaType, extension }, { size: sizeOf(bytes, reader), isWhole: isClosed(reader) });
}

/** Whether the boxes, one with the pixels among them, end where the bytes do. */
function isClosed(reader: ByteReader): boolean {
  let hasPixels = false;
  let at = 0;
  while (at + 8 <= reader.length) {
    const length = reader.uint32(at);
    hasPixels ||= reader.startsWith(at + 4, 'mdat');
    // 0: the box takes the rest. 1: its length stands in 8 bytes after its name.
    if (length === 0) return hasPixels;
    const whole = length === 1 ? reader.uint32(at + 8) * 2 ** 32 + reader.uint32(at + 12) : length;
    if (whole < 8) return false;
    at += whole;
  }
  return hasPixels && at === reader.length;
}

function sizeOf(bytes: Uint8Array, reader: ByteReader): Inspected['size'] {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES)).indexOf('ispe');
  const size = { width: reader.uint32(at + 8), height: reader.uint32(at + 12) };
  return at >= 0 && size.width > 0 && size.height > 0 ? size : undefined;
}
