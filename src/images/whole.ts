/** Tells whether a picture came to its end: a connection that closes early leaves half of one that begins well. */
import type { ImageType } from './sniff.ts';

/** Writers may pad a file behind its end mark. */
const PADDING_MAX_BYTES = 1_024;

/** False for what is certainly cut off. AVIF has no end mark; its boxes are left to whoever decodes it. */
export function isWhole(bytes: Uint8Array, type: ImageType): boolean {
  const tail = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(-PADDING_MAX_BYTES);
  switch (type.mediaType) {
    case 'image/jpeg':
      return tail.includes(Buffer.from([0xff, 0xd9]));
    case 'image/png':
      return tail.includes('IEND');
    case 'image/webp':
      return bytes.length >= riffLength(bytes);
    default:
      return true;
  }
}

/** The length in the header counts what follows its own 8 bytes. */
function riffLength(bytes: Uint8Array): number {
  return 8 + new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(4, true);
}
