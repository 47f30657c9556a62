/** Decodes WebP pictures, by a WebAssembly codec that is compiled when first used. */
import decode, { init } from '@jsquash/webp/decode.js';
import { compileCodec } from './codec-file.ts';
import { type Pixels, provideImageData } from './pixels.ts';

let ready: Promise<unknown> | undefined;

/** @throws when it is not one */
export async function decodeWebp(bytes: Uint8Array): Promise<Pixels> {
  provideImageData();
  ready ??= compileCodec('@jsquash/webp/codec/dec/webp_dec.wasm').then((codec) => init(codec));
  await ready;
  return decode(Uint8Array.from(bytes).buffer);
}
