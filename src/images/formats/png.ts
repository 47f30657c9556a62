/** Walks through the chunks of a PNG (ISO 15948) to its last one. */
import type { Inspected } from './inspected.ts';
import { ByteReader } from './byte-reader.ts';

const SIGNATURE = '\u0089PNG\r\n\u001a\n';
/** Length, name and checksum around the content of a chunk. */
const AROUND_BYTES = 12;

export function inspectPng(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  if (!reader.holds(0, SIGNATURE)) return undefined;
  const type = { mediaType: 'image/png', extension: 'png' };
  const hasHeader = reader.holds(12, 'IHDR');
  const size = { width: reader.uint32(16), height: reader.uint32(20) };
  const known = hasHeader && size.width > 0 && size.height > 0 ? { ...type, size } : type;
  for (let at = SIGNATURE.length; at < bytes.length; ) {
    const next = at + AROUND_BYTES + reader.uint32(at);
    if (next > bytes.length) break;
    if (reader.holds(at + 4, 'IEND')) return { ...known, isWhole: hasHeader };
    at = next;
  }
  return { ...known, isWhole: false };
}
