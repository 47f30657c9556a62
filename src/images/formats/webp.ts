/** Reads the head of a WebP: its length in the RIFF header, and its size in the first chunk (RFC 9649). */
import type { Inspected } from './inspected.ts';
import { ByteReader } from './byte-reader.ts';

export function inspectWebp(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  if (!reader.holds(0, 'RIFF') || !reader.holds(8, 'WEBP')) return undefined;
  const size = sizeOf(reader);
  // The length in the header counts what follows its own 8 bytes.
  const isWhole = size !== undefined && bytes.length >= 8 + reader.uint32(4, true);
  return { mediaType: 'image/webp', extension: 'webp', ...(size === undefined ? {} : { size }), isWhole };
}

function sizeOf(reader: ByteReader): Inspected['size'] {
  if (reader.holds(12, 'VP8X')) return { width: 1 + reader.uint24Little(24), height: 1 + reader.uint24Little(27) };
  if (reader.holds(12, 'VP8L')) {
    const bits = reader.uint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  if (!reader.holds(12, 'VP8 ')) return undefined;
  const size = { width: reader.uint16Little(26) & 0x3fff, height: reader.uint16Little(28) & 0x3fff };
  return size.width > 0 && size.height > 0 ? size : undefined;
}
