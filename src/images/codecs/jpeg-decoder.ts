/** Decodes JPEG pictures, by a WebAssembly codec that is compiled when first used. */
import decode, { init } from '@jsquash/jpeg/decode.js';
import { compileCodec } from './codec-file.ts';
import type { Pixels } from './pixels.ts';

let ready: Promise<void> | undefined;

/** All pixels of a whole JPEG. @throws when it is not one, or is cut off */
export async function decodeJpeg(bytes: Uint8Array): Promise<Pixels> {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new Error('not a JPEG: it does not start with ff d8');
  // The codec fills what is missing with grey and says nothing.
  if (bytes.at(-2) !== 0xff || bytes.at(-1) !== 0xd9) throw new Error('not a whole JPEG: it does not end with ff d9');
  return decodeJpegPixels(bytes);
}

/** The same for one whose end was looked at by its structure. */
export async function decodeJpegPixels(bytes: Uint8Array): Promise<Pixels> {
  ready ??= compileCodec('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm').then((codec) => init(codec));
  await ready;
  // A copy: a small Buffer shares its memory with others.
  return decode(Uint8Array.from(bytes).buffer);
}
