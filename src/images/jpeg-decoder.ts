/** Decodes JPEG pictures, by a WebAssembly codec that is compiled when first used. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import decode, { init } from '@jsquash/jpeg/decode.js';

/** The types of Node 20 know WebAssembly by name only. */
type WasmCompiler = { compile(bytes: Uint8Array): Promise<object> };
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmCompiler };

/** RGBA, row by row. */
export type Pixels = { width: number; height: number; data: Uint8ClampedArray };

let ready: Promise<void> | undefined;

/** All pixels of a whole JPEG. @throws when it is not one, or is cut off */
export async function decodeJpeg(bytes: Uint8Array): Promise<Pixels> {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new Error('not a JPEG: it does not start with ff d8');
  // The codec fills what is missing with grey and says nothing.
  if (bytes.at(-2) !== 0xff || bytes.at(-1) !== 0xd9) throw new Error('not a whole JPEG: it does not end with ff d9');
  ready ??= load();
  await ready;
  // A copy: a small Buffer shares its memory with others.
  return decode(Uint8Array.from(bytes).buffer);
}

async function load(): Promise<void> {
  await init(await wasm.compile(await readFile(codecFile())));
}

/** Beside the bundle where there is one, else in the package that the sources run with. */
function codecFile(): string {
  const beside = fileURLToPath(new URL('./mozjpeg_dec.wasm', import.meta.url));
  if (existsSync(beside)) return beside;
  return createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
}
