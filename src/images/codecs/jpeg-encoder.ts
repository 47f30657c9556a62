/** Encodes JPEG pictures, by a WebAssembly codec that is compiled when first used. */
import encode, { init } from '@jsquash/jpeg/encode.js';
import { compileCodec } from './codec-file.ts';
import type { Pixels } from './pixels.ts';

let ready: Promise<void> | undefined;

/** @param quality 0 to 100 */
export async function encodeJpeg(pixels: Pixels, quality: number): Promise<Uint8Array> {
  ready ??= compileCodec('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm').then((codec) => init(codec));
  await ready;
  // Progressive is mozjpeg's default and costs the time of several passes; a preview has no use for it.
  return new Uint8Array(await encode({ ...pixels, colorSpace: 'srgb' }, { quality, progressive: false }));
}
