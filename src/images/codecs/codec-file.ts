/** Finds and compiles the WebAssembly file of a codec. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The types of Node 20 know WebAssembly by name only. */
type WasmCompiler = { compile(bytes: Uint8Array): Promise<object> };
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmCompiler };

/** @param specifier of the file in its package; in the published program it lies beside the bundle */
export async function compileCodec(specifier: string): Promise<object> {
  const adjacent = fileURLToPath(new URL(`./${basename(specifier)}`, import.meta.url));
  const file = existsSync(adjacent) ? adjacent : createRequire(import.meta.url).resolve(specifier);
  return wasm.compile(await readFile(file));
}
