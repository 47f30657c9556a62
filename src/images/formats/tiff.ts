/** Reads the first directory of TIFF data (TIFF 6.0), which is a picture of its own or the EXIF data inside another. */
import { ByteReader } from './byte-reader.ts';
import { type Inspected, inspected, sizeOf } from './inspected.ts';

const WIDTH = 0x0100;
const HEIGHT = 0x0101;
const ORIENTATION = 0x0112;
const SHORT = 3;
const ENTRY_BYTES = 12;
const ENTRIES_MAX = 500;

export function inspectTiff(bytes: Uint8Array): Inspected | undefined {
  const directory = directoryIn(bytes);
  if (directory === undefined) return undefined;
  const { entryOf, from, to } = directory;
  // The directory may be at the end: one that lies beyond it was cut off.
  const isWhole = from >= 8 && to <= bytes.length;
  return inspected(['image/tiff', 'tiff'], isWhole, sizeOf(entryOf(WIDTH)?.value ?? 0, entryOf(HEIGHT)?.value ?? 0));
}

/** 1 to 8; `undefined` where there is no valid one. @param tiff from its byte-order mark on */
export function orientationIn(tiff: Uint8Array): number | undefined {
  const { isShort, value } = directoryIn(tiff)?.entryOf(ORIENTATION) ?? { isShort: false, value: 0 };
  return isShort && value >= 1 && value <= 8 ? value : undefined;
}

type Entry = { isShort: boolean; value: number };

function directoryIn(
  bytes: Uint8Array,
): { from: number; to: number; entryOf: (tag: number) => Entry | undefined } | undefined {
  const reader = new ByteReader(bytes);
  const little = reader.startsWith(0, 'II*\0');
  if (!little && !reader.startsWith(0, 'MM\0*')) return undefined;
  const from = reader.uint32(4, little);
  const to = from + 2 + Math.min(ENTRIES_MAX, reader.uint16(from, little)) * ENTRY_BYTES;
  const entryOf = (tag: number): Entry | undefined => {
    for (let at = from + 2; at < to; at += ENTRY_BYTES) {
      if (reader.uint16(at, little) !== tag) continue;
      const isShort = reader.uint16(at + 2, little) === SHORT;
      return { isShort, value: isShort ? reader.uint16(at + 8, little) : reader.uint32(at + 8, little) };
    }
    return undefined;
  };
  return { from, to, entryOf };
}
