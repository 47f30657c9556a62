/** Walks through the chunks of a WebP (RFC 9649): its length is in the RIFF header, its size in the first chunk. */
import { ByteReader } from './byte-reader.ts';
import { type Inspected, inspected, type Size, sizeOf } from './inspected.ts';
import { orientationIn } from './tiff.ts';

const HEAD_BYTES = 12;

type Chunk = { name: string; from: number; to: number };

export function inspectWebp(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  if (!reader.startsWith(0, 'RIFF') || !reader.startsWith(8, 'WEBP')) return undefined;
  const found = [...chunks(bytes, reader)];
  const [first] = found;
  const size = first && sizeIn(first, reader);
  const frames = found.filter(({ name }) => name === 'VP8 ' || name === 'VP8L').map((frame) => sizeIn(frame, reader));
  const exif = found.find(({ name }) => name === 'EXIF');
  // The length in the header counts what follows its own 8 bytes.
  const isWhole = size !== undefined && bytes.length >= 8 + reader.uint32(4, true);
  return inspected(['image/webp', 'webp'], isWhole, size, {
    orientation: exif && orientationIn(withoutPrefix(bytes.subarray(exif.from, exif.to))),
    // The decoder makes room for the frame, whatever the canvas says. An animation has its frames one level below.
    isDamaged: frames.length > 1 || frames.some((frame) => !isSameSize(frame, size)),
  });
}

export function profileInWebp(bytes: Uint8Array): Uint8Array | undefined {
  for (const { name, from, to } of chunks(bytes, new ByteReader(bytes)))
    if (name === 'ICCP') return bytes.subarray(from, to);
  return undefined;
}

/** Some programs write the name of a JPEG segment before EXIF data. */
function withoutPrefix(exif: Uint8Array): Uint8Array {
  return new ByteReader(exif).startsWith(0, 'Exif\0\0') ? exif.subarray(6) : exif;
}

function isSameSize(one: Size | undefined, other: Size | undefined): boolean {
  return one !== undefined && one.width === other?.width && one.height === other.height;
}

/** A chunk of odd length is followed by a byte that belongs to none. */
function* chunks(bytes: Uint8Array, reader: ByteReader): Generator<Chunk, void, undefined> {
  const end = Math.min(bytes.length, 8 + reader.uint32(4, true));
  for (let at = HEAD_BYTES; at + 8 <= end; ) {
    const length = reader.uint32(at + 4, true);
    const from = at + 8;
    const name = Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
    yield { name, from, to: Math.min(end, from + length) };
    at = from + length + (length % 2);
  }
}

function sizeIn({ name, from }: Chunk, reader: ByteReader): Size | undefined {
  if (name === 'VP8X') return sizeOf(1 + reader.uint24Little(from + 4), 1 + reader.uint24Little(from + 7));
  if (name === 'VP8L') {
    const bits = reader.uint32(from + 1, true);
    return sizeOf(1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff));
  }
  if (name !== 'VP8 ') return undefined;
  return sizeOf(reader.uint16(from + 6, true) & 0x3fff, reader.uint16(from + 8, true) & 0x3fff);
}
