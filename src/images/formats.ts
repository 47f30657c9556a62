/** The formats that are decoded here, JPEG, PNG and WebP, with what they carry: EXIF data and a colour profile. */
import { inflateSync } from 'node:zlib';
import type { PixelSize } from '../core/image-store.ts';
import { attempt } from '../core/primitives.ts';

/** What a format finds in bytes whose length nobody vouches for. */
export type Found = {
  /** False for what was certainly cut off: a connection that closes early leaves half of one that begins well. */
  isWhole: boolean;
  /** Of the stored pixels; absent where the bytes do not say. */
  size?: PixelSize | undefined;
  /** How the stored pixels are turned to be displayed, as EXIF counts it: 1 (not at all) to 8. */
  orientation?: number | undefined;
  /** Its headers contradict each other: no decoder is given such bytes, and no host. */
  isDamaged?: boolean;
  /** Printing colours, which are not decoded here. */
  isCmyk?: boolean;
  /** The colour profile, of which no more than `maxBytes` is unpacked. */
  profile?: (maxBytes: number) => Uint8Array | undefined;
};

/** `undefined` for what is no picture of this format. */
export type Format = (bytes: Buffer) => Found | undefined;

/** A number of up to 4 bytes; 0 beyond the end. */
export function uint(bytes: Buffer, at: number, length: number, littleEndian = false): number {
  if (at + length > bytes.length) return 0;
  return littleEndian ? bytes.readUIntLE(at, length) : bytes.readUIntBE(at, length);
}

export function has(bytes: Buffer, at: number, word: string): boolean {
  return bytes.toString('latin1', at, at + word.length) === word;
}

/** `undefined` where one of them is 0, as it is where the bytes end too early. */
export function sizeOf(width: number, height: number): PixelSize | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined;
}

const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
/** Another picture, other dimensions, a hierarchy: decoders differ in which of two frames they make room for. */
const CONTRADICTIONS = [0xd8, 0xdc, 0xde];
const [APP0, APP1, APP2] = [0xe0, 0xe1, 0xe2];
/** Between C0 and CF, these are tables and not the beginning of a frame. */
const NO_FRAMES = [0xc4, 0xc8, 0xcc];
const ICC = 'ICC_PROFILE\0';

/** ITU T.81, annex B. */
export function jpeg(bytes: Buffer): Found | undefined {
  if (!has(bytes, 0, '\u00ff\u00d8\u00ff')) return undefined;
  const markers = new Set<number>();
  const frames: number[] = [];
  let orientation: number | undefined;
  const profile: Buffer[] = [];
  for (const { marker, from, to } of segments(bytes)) {
    markers.add(marker);
    if (marker === APP1) orientation ??= orientationIn(bytes.subarray(from, to));
    else if (marker === APP2 && has(bytes, from, ICC)) profile.push(bytes.subarray(from + ICC.length, to));
    else if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.includes(marker) && frames.length < 2) frames.push(from);
  }
  const frame = frames[0] ?? bytes.length;
  const size = sizeOf(uint(bytes, frame + 3, 2), uint(bytes, frame + 1, 2));
  const isWhole = frames.length > 0 && markers.has(START_OF_SCAN) && markers.has(END_OF_IMAGE);
  const isDamaged = size === undefined || frames.length > 1 || CONTRADICTIONS.some((marker) => markers.has(marker));
  return { isWhole, size, orientation, isDamaged, isCmyk: bytes[frame + 5] === 4, profile: () => joined(profile) };
}

/** Each chunk begins with its number and the count of all; `undefined` where one is missing. */
function joined(chunks: readonly Buffer[]): Uint8Array | undefined {
  const ordered = chunks.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
  const isComplete = ordered.every((chunk, index) => chunk[0] === index + 1 && chunk[1] === chunks.length);
  return isComplete ? Buffer.concat(ordered.map((chunk) => chunk.subarray(2))) : undefined;
}

/** A JPEG with this colour profile before all else that it holds. @param profile of less than 64 kB: a single part */
export function withProfile(bytes: Uint8Array, profile: Uint8Array): Uint8Array {
  const name = Buffer.from(`${ICC}\u0001\u0001`, 'latin1');
  const length = 2 + name.length + profile.length;
  const head = Buffer.from([0xff, APP2, length >> 8, length & 0xff]);
  // JFIF wants to be the first segment.
  const at = bytes[3] === APP0 ? 4 + Buffer.from(bytes.subarray(4, 6)).readUInt16BE() : 2;
  return Buffer.concat([bytes.subarray(0, at), head, name, profile, bytes.subarray(at)]);
}

/** Up to the end marker, or to where it cannot go on. `from` to `to` is what follows the length, where there is one. */
function* segments(bytes: Buffer): Iterable<{ marker: number; from: number; to: number }> {
  for (let at = 2; bytes[at] === 0xff; ) {
    // Bytes to fill up may stand before a marker.
    while (bytes[at + 1] === 0xff) at += 1;
    const marker = bytes[at + 1] ?? 0;
    const isBare = marker === 0x01 || (marker >= 0xd0 && marker <= END_OF_IMAGE);
    const length = isBare ? 0 : uint(bytes, at + 2, 2);
    if (!isBare && length < 2) return;
    const to = at + 2 + length;
    yield { marker, from: at + 4, to };
    if (marker === END_OF_IMAGE) return;
    at = marker === START_OF_SCAN ? endOfScan(bytes, to) : to;
  }
}

/** Where the next marker is: within a scan, FF is followed by 0 or by a restart marker. */
function endOfScan(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 2)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.length;
}

/** `next` is where the one behind it begins. */
export type Chunk = { name: string; content: Buffer; next: number };

/** One after the other, however they are laid out, up to one that reaches beyond the end. */
export function* chunks(bytes: Buffer, start: number, chunkAt: (bytes: Buffer, at: number) => Chunk): Iterable<Chunk> {
  for (let at = start; at + 8 <= bytes.length; ) {
    const chunk = chunkAt(bytes, at);
    if (chunk.next < at + 8 || chunk.next > bytes.length) return;
    yield chunk;
    at = chunk.next;
  }
}

const PNG_SIGNATURE = '\u0089PNG\r\n\u001a\n';

/** ISO 15948. */
export function png(bytes: Buffer): Found | undefined {
  if (!has(bytes, 0, PNG_SIGNATURE)) return undefined;
  const found: Found = { isWhole: false };
  let headers = 0;
  for (const { name, content } of chunks(bytes, PNG_SIGNATURE.length, pngChunkAt)) {
    if (name === 'IHDR') {
      found.size ??= sizeOf(uint(content, 0, 4), uint(content, 4, 4));
      headers += 1;
    } else if (name === 'eXIf') found.orientation ??= orientationIn(content);
    else if (name === 'iCCP') found.profile ??= (maxBytes) => unpacked(content, maxBytes);
    else if (name === 'IEND') {
      found.isWhole = found.size !== undefined;
      break;
    }
  }
  return { ...found, isDamaged: headers > 1 };
}

/** Length and name before the content, a checksum behind it. */
function pngChunkAt(bytes: Buffer, at: number): Chunk {
  const to = at + 8 + uint(bytes, at, 4);
  return { name: bytes.toString('latin1', at + 4, at + 8), content: bytes.subarray(at + 8, to), next: to + 4 };
}

const PROFILE_NAME_MAX_BYTES = 80;

/** The profile behind its name and the number of its compression. */
function unpacked(content: Buffer, maxBytes: number): Uint8Array | undefined {
  const nameEnd = content.subarray(0, PROFILE_NAME_MAX_BYTES).indexOf(0);
  if (nameEnd < 0) return undefined;
  return attempt(() => inflateSync(content.subarray(nameEnd + 2), { maxOutputLength: maxBytes }));
}

/** RFC 9649. */
export function webp(bytes: Buffer): Found | undefined {
  if (!has(bytes, 0, 'RIFF') || !has(bytes, 8, 'WEBP')) return undefined;
  // It counts what follows its own 8 bytes.
  const end = 8 + uint(bytes, 4, 4, true);
  const found: Found = { isWhole: false };
  let frames = 0;
  for (const { name, content } of chunks(bytes.subarray(0, end), 12, webpChunkAt)) {
    const size = WEBP_SIZES[name]?.(content);
    found.size ??= size;
    if (name === 'VP8 ' || name === 'VP8L') {
      frames += 1;
      // The decoder makes room for the frame, whatever the canvas says. An animation has its frames one level below.
      found.isDamaged ||= frames > 1 || size?.width !== found.size?.width || size?.height !== found.size?.height;
    } else if (name === 'EXIF') found.orientation ??= orientationIn(content);
    else if (name === 'ICCP') found.profile ??= () => content;
  }
  return { ...found, isWhole: found.size !== undefined && bytes.length >= end };
}

/** Name and length before the content; a chunk of odd length is followed by a byte that belongs to none. */
function webpChunkAt(bytes: Buffer, at: number): Chunk {
  const length = uint(bytes, at + 4, 4, true);
  const next = Math.min(bytes.length, at + 8 + length + (length % 2));
  return { name: bytes.toString('latin1', at, at + 4), content: bytes.subarray(at + 8, at + 8 + length), next };
}

const WEBP_SIZES: Readonly<Record<string, (content: Buffer) => PixelSize | undefined>> = {
  VP8X: (content) => sizeOf(1 + uint(content, 4, 3, true), 1 + uint(content, 7, 3, true)),
  VP8L: (content) => {
    const bits = uint(content, 1, 4, true);
    return sizeOf(1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff));
  },
  'VP8 ': (content) => sizeOf(uint(content, 6, 2, true) & 0x3fff, uint(content, 8, 2, true) & 0x3fff),
};

const ORIENTATION = 0x0112;
const EXIF_NAME = 'Exif\0\0';

/** 1 to 8; `undefined` where there is no valid one. @param exif with or without its name in a JPEG */
function orientationIn(exif: Buffer): number | undefined {
  const value = tiffValue(exif.subarray(has(exif, 0, EXIF_NAME) ? EXIF_NAME.length : 0), ORIENTATION);
  return value >= 1 && value <= 8 ? value : undefined;
}

const ENTRY_BYTES = 12;
const ENTRIES_MAX = 500;
const SHORT = 3;

/** The value of a tag in the first directory of TIFF data (TIFF 6.0); 0 where there is none. */
export function tiffValue(tiff: Buffer, tag: number): number {
  const little = has(tiff, 0, 'II*\0');
  if (!little && !has(tiff, 0, 'MM\0*')) return 0;
  const directory = uint(tiff, 4, 4, little);
  const end = directory + 2 + Math.min(ENTRIES_MAX, uint(tiff, directory, 2, little)) * ENTRY_BYTES;
  let at = directory + 2;
  while (at < end && uint(tiff, at, 2, little) !== tag) at += ENTRY_BYTES;
  if (at >= end) return 0;
  return uint(tiff, at + 8, uint(tiff, at + 2, 2, little) === SHORT ? 2 : 4, little);
}
