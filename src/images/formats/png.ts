/** Walks through the chunks of a PNG (ISO 15948) to its last one. */
import { inflateSync } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { type Inspected, inspected, type Size, sizeOf } from './inspected.ts';
import { orientationIn } from './tiff.ts';

const SIGNATURE = '\u0089PNG\r\n\u001a\n';
/** Length, name and checksum around the content of a chunk. */
const AROUND_BYTES = 12;
const HEADER_BYTES = 13;
const NAME_MAX_BYTES = 80;

type Chunk = { name: string; from: number; to: number };

export function inspectPng(bytes: Uint8Array): Inspected | undefined {
  const reader = new ByteReader(bytes);
  if (!reader.startsWith(0, SIGNATURE)) return undefined;
  let size: Size | undefined;
  let orientation: number | undefined;
  const seen = { chunks: 0, headers: 0, end: false };
  for (const { name, from, to } of chunks(bytes, reader)) {
    seen.chunks += 1;
    if (name === 'IHDR') {
      seen.headers += 1;
      const isHeader = seen.chunks === 1 && to - from === HEADER_BYTES;
      if (isHeader) size = sizeOf(reader.uint32(from), reader.uint32(from + 4));
    } else if (name === 'eXIf') orientation ??= orientationIn(bytes.subarray(from, to));
    else if (name === 'IEND') seen.end = true;
  }
  const isWhole = seen.end && size !== undefined;
  return inspected(['image/png', 'png'], isWhole, size, { orientation, isDamaged: seen.headers > 1 });
}

/** The colour profile, of which no more than `maxBytes` is unpacked. */
export function profileInPng(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
  const reader = new ByteReader(bytes);
  for (const { name, from, to } of chunks(bytes, reader)) {
    if (name === 'IDAT') return undefined;
    if (name !== 'iCCP') continue;
    const end = bytes.subarray(from, Math.min(to, from + NAME_MAX_BYTES)).indexOf(0);
    if (end < 0) return undefined;
    try {
      return inflateSync(bytes.subarray(from + end + 2, to), { maxOutputLength: maxBytes });
    } catch {
      return undefined;
    }
  }
  return undefined;
}

function* chunks(bytes: Uint8Array, reader: ByteReader): Generator<Chunk, void, undefined> {
  for (let at = SIGNATURE.length; at < bytes.length; ) {
    const next = at + AROUND_BYTES + reader.uint32(at);
    if (next > bytes.length) return;
    const name = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    yield { name, from: at + 8, to: next - 4 };
    if (name === 'IEND') return;
    at = next;
  }
}
