/** Walks through the boxes of an AVIF (ISO 14496-12): none may reach beyond the end. */
import type { Inspected } from './inspected.ts';
import { ByteReader } from './byte-reader.ts';

/** The size stands in the head, in a box `ispe` some boxes deep; it is looked for instead of walked to. */
const HEAD_BYTES = 4_096;

export function inspectAvif(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  if (!reader.holds(4, 'ftypavif') && !reader.holds(4, 'ftypavis')) return undefined;
  const size = sizeOf(bytes, reader);
  const isWhole = isClosed(reader);
  return { mediaType: 'image/avif', extension: 'avif', ...(size === undefined ? {} : { size }), isWhole };
}

/** Whether the boxes, one with the pixels among them, end where the bytes do. */
function isClosed(reader: ByteReader): boolean {
  let hasPixels = false;
  let at = 0;
  while (at + 8 <= reader.length) {
    const length = reader.uint32(at);
    hasPixels ||= reader.holds(at + 4, 'mdat');
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
