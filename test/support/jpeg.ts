// Owns the tests' look into pictures: a real JPEG decoder, compiled from the package's WebAssembly file.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import decode, { init } from '@jsquash/jpeg/decode.js';

export type DecodedJpeg = { width: number; height: number /** RGBA, row by row. */; data: Uint8ClampedArray };

/** The types of Node 20 know WebAssembly by name only. */
type WasmCompiler = { compile(bytes: Uint8Array): Promise<object> };
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmCompiler };

let ready: Promise<void> | undefined;

async function loadCodec(): Promise<void> {
  const file = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
  await init(await wasm.compile(await readFile(file)));
}

/** Decodes all of it; anything but a whole JPEG is an error. */
export async function decodeJpeg(bytes: Uint8Array): Promise<DecodedJpeg> {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new Error('not a JPEG: it does not start with ff d8');
  if (bytes.at(-2) !== 0xff || bytes.at(-1) !== 0xd9) throw new Error('not a whole JPEG: it does not end with ff d9');
  ready ??= loadCodec();
  await ready;
  const picture: DecodedJpeg = await decode(Uint8Array.from(bytes).buffer);
  return { width: picture.width, height: picture.height, data: picture.data };
}

/** The colours of the four quarters, from the top left on: R, G, B or W. */
export function quarterColors({ data, width, height }: DecodedJpeg): string {
  const middles = [0.25, 0.75].flatMap((y) => [0.25, 0.75].map((x) => ({ x, y })));
  return middles
    .map(({ x, y }) => {
      const at = 4 * (Math.floor(y * height) * width + Math.floor(x * width));
      const [red, green] = [...data.slice(at, at + 2)].map((value) => value > 128);
      return red && green ? 'W' : red ? 'R' : green ? 'G' : 'B';
    })
    .join('');
}
