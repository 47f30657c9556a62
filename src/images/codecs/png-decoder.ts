/** Decodes PNG pictures, by a WebAssembly codec that is compiled when first used. */
import { decode, init } from '@jsquash/png/decode.js';
import { compileCodec } from './codec-file.ts';
import { type Pixels, provideImageData } from './pixels.ts';

let ready: Promise<unknown> | undefined;

/** @throws when it is not one */
export async function decodePng(bytes: Uint8Array): Promise<Pixels> {
  provideImageData();
  ready ??= compileCodec('@jsquash/png/codec/pkg/squoosh_png_bg.wasm').then((codec) => init(codec));
  await ready;
  return decode(Uint8Array.from(bytes).buffer);
}
