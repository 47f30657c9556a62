/** Kinds of pictures that are kept as they come and never decoded here. */
import { type Chunk, chunks, type Format, type Found, has, sizeOf, tiffValue, uint } from './formats.ts';

export function gif(bytes: Buffer): Found | undefined {
  if (!has(bytes, 0, 'GIF87a') && !has(bytes, 0, 'GIF89a')) return undefined;
  // The trailer, before what some hosts pad with.
  const last = bytes.findLastIndex((byte) => byte !== 0);
  const isWhole = bytes.length >= 14 && bytes[last] === 0x3b;
  return { isWhole, size: sizeOf(uint(bytes, 6, 2, true), uint(bytes, 8, 2, true)) };
}

export function tiff(bytes: Buffer): Found | undefined {
  if (!has(bytes, 0, 'II*\0') && !has(bytes, 0, 'MM\0*')) return undefined;
  // The tags of its width and height.
  return { isWhole: true, size: sizeOf(tiffValue(bytes, 0x100), tiffValue(bytes, 0x101)) };
}

const BMP_HEADERS = [40, 52, 56, 64, 108, 124];

export function bmp(bytes: Buffer): Found | undefined {
  // Two letters are the beginning of many texts: the reserved bytes and the length of the next header are not.
  const isKnown = has(bytes, 0, 'BM') && uint(bytes, 6, 4) === 0 && BMP_HEADERS.includes(uint(bytes, 14, 4, true));
  if (!isKnown) return undefined;
  const size = sizeOf(uint(bytes, 18, 4, true), Math.abs(uint(bytes, 22, 4, true) | 0));
  return { isWhole: bytes.length >= uint(bytes, 2, 4, true), size };
}

export function signed(...signatures: string[]): Format {
  return (bytes) => (signatures.some((signature) => has(bytes, 0, signature)) ? { isWhole: true } : undefined);
}

/** The size is in the head, in a box `ispe` some boxes deep; it is searched for instead of walked to. */
const HEAD_BYTES = 4_096;

/** ISO 14496-12, by the brand at the beginning. */
export function boxed(...brands: string[]): Format {
  return (bytes) => {
    if (!brands.some((brand) => has(bytes, 4, `ftyp${brand}`))) return undefined;
    const at = bytes.subarray(0, HEAD_BYTES).indexOf('ispe');
    const size = at < 0 ? undefined : sizeOf(uint(bytes, at + 8, 4), uint(bytes, at + 12, 4));
    let hasPixels = false;
    let end = 0;
    for (const { name, next } of chunks(bytes, 0, boxAt)) {
      hasPixels ||= name === 'mdat';
      end = next;
    }
    return { isWhole: hasPixels && end === bytes.length, size };
  };
}

function boxAt(bytes: Buffer, at: number): Chunk {
  const short = uint(bytes, at, 4);
  // 0: the box takes the rest. 1: its length follows its name, in 8 bytes.
  const long = uint(bytes, at + 8, 4) * 2 ** 32 + uint(bytes, at + 12, 4);
  const next = short === 0 ? bytes.length : at + (short === 1 ? long : short);
  return { name: bytes.toString('latin1', at + 4, at + 8), from: at + 8, to: next, next };
}
