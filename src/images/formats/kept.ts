/** Knows kinds of pictures that are kept as they come and never decoded here, by their first bytes. */
import { ByteReader } from './byte-reader.ts';
import { type Inspected, inspected, sizeOf } from './inspected.ts';
import { inspectTiff } from './tiff.ts';

export function inspectKept(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  return gif(reader) ?? inspectTiff(bytes) ?? bmp(reader) ?? jpegXl(reader) ?? jpeg2000(reader);
}

function gif(reader: ByteReader): Inspected | undefined {
  if (!reader.startsWith(0, 'GIF87a') && !reader.startsWith(0, 'GIF89a')) return undefined;
  const isWhole = reader.length >= 14 && hasGifEnd(reader);
  return inspected(['image/gif', 'gif'], isWhole, sizeOf(reader.uint16(6, true), reader.uint16(8, true)));
}

/** The trailer, before what some hosts pad with. */
function hasGifEnd(reader: ByteReader): boolean {
  let last = reader.length - 1;
  while (last > 0 && reader.byte(last) === 0) last -= 1;
  return reader.byte(last) === 0x3b;
}

const BMP_HEADERS = [12, 40, 52, 56, 64, 108, 124];

function bmp(reader: ByteReader): Inspected | undefined {
  // Two letters are the beginning of many texts: the reserved bytes and the length of the next header are not.
  const header = reader.uint32(14, true);
  if (!reader.startsWith(0, 'BM') || reader.uint32(6) !== 0 || !BMP_HEADERS.includes(header)) return undefined;
  const size =
    header === 12
      ? sizeOf(reader.uint16(18, true), reader.uint16(20, true))
      : sizeOf(reader.uint32(18, true), Math.abs(reader.uint32(22, true) | 0));
  return inspected(['image/bmp', 'bmp'], reader.length >= reader.uint32(2, true), size);
}

function jpegXl(reader: ByteReader): Inspected | undefined {
  const isKnown = reader.startsWith(0, '\u00ff\n') || reader.startsWith(0, '\0\0\0\u000cJXL \r\n\u0087\n');
  return isKnown ? inspected(['image/jxl', 'jxl'], true, undefined) : undefined;
}

function jpeg2000(reader: ByteReader): Inspected | undefined {
  const isKnown = reader.startsWith(0, '\0\0\0\u000cjP  \r\n\u0087\n');
  return isKnown ? inspected(['image/jp2', 'jp2'], true, undefined) : undefined;
}
