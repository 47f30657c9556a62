/** Reads from EXIF data (TIFF 6.0 inside a picture) how the picture is turned. */
import { ByteReader } from './byte-reader.ts';

const ORIENTATION = 0x0112;
const SHORT = 3;
const ENTRY_BYTES = 12;
const ENTRIES_MAX = 500;

/** 1 to 8; `undefined` where nothing valid is said. @param tiff from its byte-order mark on */
export function orientationIn(tiff: Uint8Array): number | undefined {
  const reader = new ByteReader(tiff);
  const little = reader.startsWith(0, 'II*\0');
  if (!little && !reader.startsWith(0, 'MM\0*')) return undefined;
  const at = reader.uint32(4, little);
  const entries = Math.min(ENTRIES_MAX, reader.uint16(at, little));
  for (let entry = 0; entry < entries; entry += 1) {
    const start = at + 2 + entry * ENTRY_BYTES;
    if (reader.uint16(start, little) !== ORIENTATION) continue;
    const value = reader.uint16(start + 8, little);
    return reader.uint16(start + 2, little) === SHORT && value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
