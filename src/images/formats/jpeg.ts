/** Walks through the segments of a JPEG (ITU T.81, annex B) to its end marker. */
import { ByteReader, type Found, sizeOf } from './format.ts';
import { orientationIn } from './tiff.ts';

const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const DEFINE_LINES = 0xdc;
const HIERARCHICAL = 0xde;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
/** Between C0 and CF, these are tables and not the beginning of a frame. */
const NO_FRAMES = [0xc4, 0xc8, 0xcc];
const EXIF = 'Exif\0\0';
const ICC = 'ICC_PROFILE\0';

/** `from` to `to` is what follows the length; empty for markers that have no length. */
type Segment = { marker: number; from: number; to: number };

export function jpeg(reader: ByteReader): Found | undefined {
  if (!reader.startsWith(0, '\u00ff\u00d8\u00ff')) return undefined;
  const seen = { frames: 0, scan: false, end: false, contradiction: false };
  let frame = reader.length;
  let orientation: number | undefined;
  const profile: Uint8Array[] = [];
  for (const { marker, from, to } of segments(reader)) {
    if (marker === END_OF_IMAGE) seen.end = true;
    else if (marker === START_OF_SCAN) seen.scan = true;
    // Decoders differ in which of two frames, or pictures, they make room for.
    else if ([START_OF_IMAGE, DEFINE_LINES, HIERARCHICAL].includes(marker)) seen.contradiction = true;
    else if (isFrame(marker)) {
      if (seen.frames === 0) frame = from;
      seen.frames += 1;
    } else if (marker === APP1 && reader.startsWith(from, EXIF)) {
      orientation ??= orientationIn(reader.bytes.subarray(from + EXIF.length, to));
    } else if (marker === APP2 && reader.startsWith(from, ICC)) {
      profile.push(reader.bytes.subarray(from + ICC.length, to));
    }
  }
  const size = sizeOf(reader.uint16(frame + 3), reader.uint16(frame + 1));
  return {
    type: ['image/jpeg', 'jpg'],
    isWhole: seen.end && seen.scan && seen.frames > 0,
    size,
    orientation,
    isDamaged: seen.contradiction || seen.frames > 1 || size === undefined,
    isCmyk: reader.byte(frame + 5) === 4,
    profile: () => joined(profile),
  };
}

/** Each part begins with its number and the count of all; `undefined` where one is missing. */
function joined(parts: readonly Uint8Array[]): Uint8Array | undefined {
  const ordered = parts.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
  const isComplete = ordered.every((part, index) => part[0] === index + 1 && part[1] === parts.length);
  return isComplete ? Buffer.concat(ordered.map((part) => part.subarray(2))) : undefined;
}

/** A JPEG with this colour profile before all else that it holds. @param profile of less than 64 kB: a single part */
export function withProfile(bytes: Uint8Array, profile: Uint8Array): Uint8Array {
  const name = Buffer.from(`${ICC}\u0001\u0001`, 'latin1');
  const length = 2 + name.length + profile.length;
  const head = Buffer.from([0xff, APP2, length >> 8, length & 0xff]);
  // JFIF wants to be the first segment.
  const at = bytes[3] === APP0 ? 4 + new ByteReader(bytes).uint16(4) : 2;
  return Buffer.concat([bytes.subarray(0, at), head, name, profile, bytes.subarray(at)]);
}

/** Up to the end marker, or to where it cannot go on. */
function* segments(reader: ByteReader): Generator<Segment, void, undefined> {
  for (let at = 2; reader.byte(at) === 0xff; ) {
    const marker = reader.byte(at + 1);
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
      yield { marker, from: at + 4, to: Math.min(to, reader.length) };
      at = marker === START_OF_SCAN ? endOfScan(reader.bytes, to) : to;
    }
  }
}

/** Where the next marker is: within a scan, FF is followed by 0 or by a restart marker. */
function endOfScan(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at !== -1) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return at;
    at = bytes.indexOf(0xff, at + 2);
  }
  return bytes.length;
}

const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= END_OF_IMAGE);
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.includes(marker);
