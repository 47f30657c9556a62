// Owns the sandbox's pictures as files: a landscape for each name, as JPEG by a WebAssembly codec.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import encode, { init } from '@jsquash/jpeg/encode.js';
import { paintLandscape } from './landscape.ts';

/** A picture of 2048² takes a few hundred kilobytes. */
const KEPT_PICTURES = 48;
const drawn = new Map<string, Promise<Uint8Array>>();

/** The same for the same name and size, and not drawn again soon. */
export function drawPicture(name: string, width: number, height: number): Promise<Uint8Array> {
  const key = `${width}×${height} ${name}`;
  const picture = drawn.get(key) ?? draw(name, width, height);
  if (drawn.size >= KEPT_PICTURES) drawn.clear();
  drawn.set(key, picture);
  return picture;
}

let codec: Promise<void> | undefined;

async function draw(name: string, width: number, height: number): Promise<Uint8Array> {
  // Compiled on another thread, when the first picture is drawn.
  codec ??= loadCodec();
  await codec;
  const picture = paintLandscape(name, width, height);
  return new Uint8Array(await encode(picture, { quality: 84, progressive: false, optimize_coding: false }));
}

/** The types of Node 20 know WebAssembly by name only. */
type WasmCompiler = { compile(bytes: Uint8Array): Promise<object> };
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmCompiler };

/** Its file is next to the bundle when there is one, else in the package that the sources run with. */
async function loadCodec(): Promise<void> {
  const adjacent = fileURLToPath(new URL('./mozjpeg_enc.wasm', import.meta.url));
  const packaged = '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm';
  const file = existsSync(adjacent) ? adjacent : createRequire(import.meta.url).resolve(packaged);
  await init(await wasm.compile(await readFile(file)));
}
