/** Walks through the segments of a JPEG (ITU T.81, annex B) to its end mark. */
import type { Inspected } from './inspected.ts';
import { ByteReader } from './byte-reader.ts';

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
/** Between C0 and CF, these are tables and not the beginning of a frame. */
const NO_FRAMES = [0xc4, 0xc8, 0xcc];

export function inspectJpeg(bytes: Uint8Array): Inspected | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8 || bytes[2] !== 0xff) return undefined;
  const reader = new ByteReader(bytes);
  const type = { mediaType: 'image/jpeg', extension: 'jpg' };
  let size: Inspected['size'];
  let hasScan = false;
  for (let at = 2; at < bytes.length; ) {
    const marker = reader.byte(at + 1);
    if (reader.byte(at) !== 0xff) break;
    if (marker === 0xff) at += 1;
    else if (marker === END_OF_IMAGE)
      return { ...type, ...(size === undefined ? {} : { size }), isWhole: hasScan && size !== undefined };
    else if (isAlone(marker)) at += 2;
    else {
      const length = reader.uint16(at + 2);
      if (length < 2) break;
      if (isFrame(marker)) size = { height: reader.uint16(at + 5), width: reader.uint16(at + 7) };
      at += 2 + length;
      if (marker !== START_OF_SCAN) continue;
      hasScan = true;
      at = endOfScan(bytes, at);
    }
  }
  return { ...type, ...(size === undefined ? {} : { size }), isWhole: false };
}

/** Where the next marker stands: within a scan, FF is followed by 0 or by a restart mark. */
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

const isAlone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.includes(marker);
