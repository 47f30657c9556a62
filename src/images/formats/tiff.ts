/** Reads the first directory of TIFF data (TIFF 6.0), which is a picture of its own or the EXIF data inside another. */
import { ByteReader, type Found, sizeOf } from './format.ts';

const WIDTH = 0x0100;
const HEIGHT = 0x0101;
const ORIENTATION = 0x0112;
const SHORT = 3;
const ENTRY_BYTES = 12;
const ENTRIES_MAX = 500;

export function tiff(reader: ByteReader): Found | undefined {
  const directory = directoryIn(reader);
  if (directory === undefined) return undefined;
  const { valueAt, from, to } = directory;
  // The directory may be at the end: one that lies beyond it was cut off.
  const isWhole = from >= 8 && to <= reader.length;
  return { type: ['image/tiff', 'tiff'], isWhole, size: sizeOf(valueAt(WIDTH), valueAt(HEIGHT)) };
}

/** 1 to 8; `undefined` where there is no valid one. @param bytes TIFF data from its byte-order mark on */
export function orientationIn(bytes: Uint8Array): number | undefined {
  const value = directoryIn(new ByteReader(bytes))?.valueAt(ORIENTATION) ?? 0;
  return value >= 1 && value <= 8 ? value : undefined;
}

/** `valueAt` is 0 for a tag that is not there. */
function directoryIn(reader: ByteReader): { from: number; to: number; valueAt: (tag: number) => number } | undefined {
  const little = reader.startsWith(0, 'II*\0');
  if (!little && !reader.startsWith(0, 'MM\0*')) return undefined;
  const from = reader.uint32(4, little);
  const to = from + 2 + Math.min(ENTRIES_MAX, reader.uint16(from, little)) * ENTRY_BYTES;
  const valueAt = (tag: number): number => {
    let at = from + 2;
    while (at < to && reader.uint16(at, little) !== tag) at += ENTRY_BYTES;
    if (at >= to) return 0;
    return reader.uint16(at + 2, little) === SHORT ? reader.uint16(at + 8, little) : reader.uint32(at + 8, little);
  };
  return { from, to, valueAt };
}
