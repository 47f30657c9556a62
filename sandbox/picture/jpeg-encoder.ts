// Owns the way from pixels to JPEG bytes: finding the codec's WebAssembly file, compiling it once, encoding.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import encode, { init } from '@jsquash/jpeg/encode.js';
import type { Pixels } from './landscape.ts';

/** The types of Node 20 know WebAssembly by name only. */
type WasmCompiler = { compile(bytes: Uint8Array): Promise<object> };
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmCompiler };

let ready: Promise<void> | undefined;

/** Beside the bundle when there is one, else in the package that the sources run with. */
function findCodec(): string {
  const adjacent = fileURLToPath(new URL('./mozjpeg_enc.wasm', import.meta.url));
  if (existsSync(adjacent)) return adjacent;
  return createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
}

async function loadCodec(): Promise<void> {
  await init(await wasm.compile(await readFile(findCodec())));
}

/** Compiles the codec unless that is done; it takes its time on another thread. */
export function prepareEncoder(): Promise<void> {
  ready ??= loadCodec();
  return ready;
}

export async function encodeJpeg(picture: Pixels): Promise<Uint8Array> {
  await prepareEncoder();
  return new Uint8Array(await encode(picture, { quality: 84, progressive: false, optimize_coding: false }));
}
