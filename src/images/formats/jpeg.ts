/** Walks through the segments of a JPEG (ITU T.81, annex B) to its end marker. */
import { ByteReader } from './byte-reader.ts';
import { type Inspected, inspected, type Size, sizeOf } from './inspected.ts';
import { orientationIn } from './tiff.ts';

const START_OF_IMAGE = 0xd8;
const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const DEFINE_LINES = 0xdc;
const HIERARCHICAL = 0xde;
const APP1 = 0xe1;
const APP2 = 0xe2;
/** Between C0 and CF, these are tables and not the beginning of a frame. */
const NO_FRAMES = [0xc4, 0xc8, 0xcc];
const EXIF = 'Exif\0\0';
const ICC = 'ICC_PROFILE\0';

/** `from` to `to` is what follows the length; empty for markers that have no length. */
type Segment = { marker: number; from: number; to: number };

export function inspectJpeg(bytes: Uint8Array): Inspected | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== START_OF_IMAGE || bytes[2] !== 0xff) return undefined;
  const reader = new ByteReader(bytes);
  let size: Size | undefined;
  let orientation: number | undefined;
  const seen = { frames: 0, components: 0, scan: false, end: false, damage: false };
  for (const { marker, from, to } of segments(bytes, reader)) {
    if (marker === END_OF_IMAGE) seen.end = true;
    else if (marker === START_OF_SCAN) seen.scan = true;
    // Decoders differ in which of two frames, or pictures, they make room for.
    else if (marker === START_OF_IMAGE || marker === DEFINE_LINES || marker === HIERARCHICAL) seen.damage = true;
    else if (isFrame(marker)) {
      seen.frames += 1;
      if (seen.frames > 1) continue;
      size = sizeOf(reader.uint16(from + 3), reader.uint16(from + 1));
      seen.components = reader.byte(from + 5);
    } else if (marker === APP1 && reader.startsWith(from, EXIF)) {
      orientation ??= orientationIn(bytes.subarray(from + EXIF.length, to));
    }
  }
  return inspected(['image/jpeg', 'jpg'], seen.end && seen.scan && seen.frames > 0, size, {
    orientation,
    isDamaged: seen.damage || seen.frames > 1 || (seen.frames > 0 && size === undefined),
    isCmyk: seen.components === 4,
  });
}

/** The colour profile, put together from its segments; `undefined` where a part is missing. */
export function profileInJpeg(bytes: Uint8Array): Uint8Array | undefined {
  const reader = new ByteReader(bytes);
  const pieces: Uint8Array[] = [];
  let count = 0;
  for (const { marker, from, to } of segments(bytes, reader)) {
    if (marker === START_OF_SCAN) break;
    if (marker !== APP2 || !reader.startsWith(from, ICC)) continue;
    const head = from + ICC.length;
    count = reader.byte(head + 1);
    pieces[reader.byte(head) - 1] ??= bytes.subarray(head + 2, to);
  }
  const whole =
    count > 0 && pieces.length === count && Array.from({ length: count }).every((_, index) => pieces[index]);
  return whole ? Buffer.concat(pieces) : undefined;
}

/** What one segment holds of a profile, after its name and two numbers. */
const PROFILE_PART_BYTES = 0xffff - 2 - ICC.length - 2;

/** A JPEG with this colour profile before all else that it holds. */
export function withProfile(jpeg: Uint8Array, profile: Uint8Array | undefined): Uint8Array {
  if (profile === undefined) return jpeg;
  const count = Math.ceil(profile.length / PROFILE_PART_BYTES);
  const pieces = Array.from({ length: count }, (_, index) => {
    const part = profile.subarray(index * PROFILE_PART_BYTES, (index + 1) * PROFILE_PART_BYTES);
    const length = 2 + ICC.length + 2 + part.length;
    const head = [0xff, APP2, length >> 8, length & 0xff, ...Buffer.from(ICC, 'latin1'), index + 1, count];
    return Buffer.concat([Buffer.from(head), part]);
  });
  // JFIF wants to be the first segment.
  const reader = new ByteReader(jpeg);
  const at = reader.uint16(2) === 0xffe0 ? 4 + reader.uint16(4) : 2;
  return Buffer.concat([jpeg.subarray(0, at), ...pieces, jpeg.subarray(at)]);
}

/** Up to the end marker, or to where it cannot go on. */
function* segments(bytes: Uint8Array, reader: ByteReader): Generator<Segment, void, undefined> {
  for (let at = 2; at < bytes.length; ) {
    const marker = reader.byte(at + 1);
    if (reader.byte(at) !== 0xff) return;
    if (marker === 0xff) {
      at += 1;
    } else if (isAlone(marker)) {
      at += 2;
      yield { marker, from: at, to: at };
      if (marker === END_OF_IMAGE) return;
    } else {
      const length = reader.uint16(at + 2);
      if (length < 2) return;
      const to = at + 2 + length;
      yield { marker, from: at + 4, to: Math.min(to, bytes.length) };
      at = marker === START_OF_SCAN ? endOfScan(bytes, to) : to;
    }
  }
}

/** Where the next marker is: within a scan, FF is followed by 0 or by a restart marker. */
function endOfScan(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at !== -1) {
    const next = bytes[at + 1];
    if (next === undefined) break;
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return at;
    at = bytes.indexOf(0xff, at + 2);
  }
  return bytes.length;
}

const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= END_OF_IMAGE);
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.includes(marker);
