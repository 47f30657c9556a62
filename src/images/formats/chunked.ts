/** Walks through the chunks of a PNG (ISO 15948) and of a WebP (RFC 9649) to the last one. */
import { inflateSync } from 'node:zlib';
import { type ByteReader, type Found, type Size, sizeOf } from './format.ts';
import { orientationIn } from './tiff.ts';

/** `from` to `to` is its content. */
type Chunk = { name: string; from: number; to: number };

const PNG_SIGNATURE = '\u0089PNG\r\n\u001a\n';
const PNG_HEADER_BYTES = 13;
const PROFILE_NAME_MAX_BYTES = 80;

export function png(reader: ByteReader): Found | undefined {
  if (!reader.startsWith(0, PNG_SIGNATURE)) return undefined;
  const seen = { headers: 0, end: false };
  let size: Size | undefined;
  let orientation: number | undefined;
  let packed: Uint8Array | undefined;
  for (const { name, from, to } of pngChunks(reader)) {
    const content = reader.bytes.subarray(from, to);
    if (name === 'IHDR') {
      seen.headers += 1;
      const isFirst = from === PNG_SIGNATURE.length + 8 && content.length === PNG_HEADER_BYTES;
      if (isFirst) size = sizeOf(reader.uint32(from), reader.uint32(from + 4));
    } else if (name === 'eXIf') orientation ??= orientationIn(content);
    else if (name === 'iCCP') packed ??= content;
    else if (name === 'IEND') seen.end = true;
  }
  return {
    type: ['image/png', 'png'],
    isWhole: seen.end && size !== undefined,
    size,
    orientation,
    isDamaged: seen.headers > 1,
    profile: (maxBytes) => packed && unpacked(packed, maxBytes),
  };
}

/** The profile behind its name and the number of its compression. */
function unpacked(content: Uint8Array, maxBytes: number): Uint8Array | undefined {
  const nameEnd = content.subarray(0, PROFILE_NAME_MAX_BYTES).indexOf(0);
  try {
    return nameEnd < 0 ? undefined : inflateSync(content.subarray(nameEnd + 2), { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}

/** Length and name before the content, a checksum behind it. */
function* pngChunks(reader: ByteReader): Generator<Chunk, void, undefined> {
  for (let at = PNG_SIGNATURE.length; at < reader.length; ) {
    const from = at + 8;
    const to = from + reader.uint32(at);
    if (to + 4 > reader.length) return;
    const name = reader.word(at + 4, 4);
    yield { name, from, to };
    if (name === 'IEND') return;
    at = to + 4;
  }
}

export function webp(reader: ByteReader): Found | undefined {
  if (!reader.startsWith(0, 'RIFF') || !reader.startsWith(8, 'WEBP')) return undefined;
  let size: Size | undefined;
  let orientation: number | undefined;
  let profile: Uint8Array | undefined;
  let frames = 0;
  let isDamaged = false;
  for (const { name, from, to } of webpChunks(reader)) {
    const content = reader.bytes.subarray(from, to);
    const sizeHere = WEBP_SIZES[name]?.(reader, from);
    size ??= sizeHere;
    if (name === 'VP8 ' || name === 'VP8L') {
      frames += 1;
      // The decoder makes room for the frame, whatever the canvas says. An animation has its frames one level below.
      isDamaged ||= frames > 1 || sizeHere?.width !== size?.width || sizeHere?.height !== size?.height;
    } else if (name === 'EXIF') {
      // Some programs write the name of a JPEG segment before EXIF data.
      orientation ??= orientationIn(content.subarray(reader.startsWith(from, 'Exif\0\0') ? 6 : 0));
    } else if (name === 'ICCP') profile ??= content;
  }
  // The length in the header counts what follows its own 8 bytes.
  const isWhole = size !== undefined && reader.length >= 8 + reader.uint32(4, true);
  return { type: ['image/webp', 'webp'], isWhole, size, orientation, isDamaged, profile: () => profile };
}

const WEBP_SIZES: Readonly<Record<string, (reader: ByteReader, from: number) => Size | undefined>> = {
  VP8X: (reader, from) =>
    sizeOf(1 + (reader.uint32(from + 4, true) & 0xffffff), 1 + (reader.uint32(from + 6, true) >>> 8)),
  VP8L: (reader, from) => {
    const bits = reader.uint32(from + 1, true);
    return sizeOf(1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff));
  },
  'VP8 ': (reader, from) => sizeOf(reader.uint16(from + 6, true) & 0x3fff, reader.uint16(from + 8, true) & 0x3fff),
};

/** Name and length before the content; a chunk of odd length is followed by a byte that belongs to none. */
function* webpChunks(reader: ByteReader): Generator<Chunk, void, undefined> {
  const end = Math.min(reader.length, 8 + reader.uint32(4, true));
  for (let at = 12; at + 8 <= end; ) {
    const length = reader.uint32(at + 4, true);
    const from = at + 8;
    yield { name: reader.word(at, 4), from, to: Math.min(end, from + length) };
    at = from + length + (length % 2);
  }
}
