/** Knows kinds of pictures that are kept as they come and never decoded here, by their first bytes. */
import { ByteReader } from './byte-reader.ts';
import { type Inspected, inspected } from './inspected.ts';

export function inspectKept(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  return gif(reader) ?? tiff(reader) ?? bmp(reader) ?? jpegXl(reader) ?? jpeg2000(reader);
}

function gif(reader: ByteReader): Inspected | undefined {
  if (!reader.startsWith(0, 'GIF87a') && !reader.startsWith(0, 'GIF89a')) return undefined;
  const size = { width: reader.uint16(6, true), height: reader.uint16(8, true) };
  return kept('image/gif', 'gif', reader.length >= 14 && hasGifEnd(reader), size);
}

/** The trailer, before what some hosts pad with. */
function hasGifEnd(reader: ByteReader): boolean {
  let last = reader.length - 1;
  while (last > 0 && reader.byte(last) === 0) last -= 1;
  return reader.byte(last) === 0x3b;
}

const TIFF_WIDTH = 0x0100;
const TIFF_HEIGHT = 0x0101;
const TIFF_ENTRIES_MAX = 500;

function tiff(reader: ByteReader): Inspected | undefined {
  const little = reader.startsWith(0, 'II*\0');
  if (!little && !reader.startsWith(0, 'MM\0*')) return undefined;
  const at = reader.uint32(4, little);
  const entries = Math.min(TIFF_ENTRIES_MAX, reader.uint16(at, little));
  const valueOfTag = (tag: number): number => {
    for (let start = at + 2; start < at + 2 + entries * 12; start += 12) {
      if (reader.uint16(start, little) !== tag) continue;
      return reader.uint16(start + 2, little) === 3
        ? reader.uint16(start + 8, little)
        : reader.uint32(start + 8, little);
    }
    return 0;
  };
  const size = { width: valueOfTag(TIFF_WIDTH), height: valueOfTag(TIFF_HEIGHT) };
  // The directory may be at the end: one that lies beyond it was cut off.
  return kept('image/tiff', 'tiff', at >= 8 && at + 2 + entries * 12 <= reader.length, size);
}

const BMP_HEADERS = [12, 40, 52, 56, 64, 108, 124];

function bmp(reader: ByteReader): Inspected | undefined {
  // Two letters are the beginning of many texts: the reserved bytes and the length of the next header are not.
  const header = reader.uint32(14, true);
  if (!reader.startsWith(0, 'BM') || reader.uint32(6) !== 0 || !BMP_HEADERS.includes(header)) return undefined;
  const size =
    header === 12
      ? { width: reader.uint16(18, true), height: reader.uint16(20, true) }
      : { width: reader.uint32(18, true), height: Math.abs(reader.uint32(22, true) | 0) };
  return kept('image/bmp', 'bmp', reader.length >= reader.uint32(2, true), size);
}

function jpegXl(reader: ByteReader): Inspected | undefined {
  const isCodestream = reader.byte(0) === 0xff && reader.byte(1) === 0x0a;
  if (!isCodestream && !reader.startsWith(0, '\0\0\0\u000cJXL \r\n\u0087\n')) return undefined;
  return kept('image/jxl', 'jxl', true);
}

function jpeg2000(reader: ByteReader): Inspected | undefined {
  return reader.startsWith(0, '\0\0\0\u000cjP  \r\n\u0087\n') ? kept('image/jp2', 'jp2', true) : undefined;
}

function kept(mediaType: string, extension: string, isWhole: boolean, size?: Inspected['size']): Inspected {
  const known = size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
  return inspected({ mediaType, extension }, { size: known, isWhole });
}
