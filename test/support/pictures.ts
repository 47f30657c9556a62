/** Pictures for tests: small whole ones of each kind, and JPEGs of any size that compress as badly as photographs. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import encodeJpeg, { init as initJpeg } from '@jsquash/jpeg/encode.js';
import encodePng, { init as initPng } from '@jsquash/png/encode.js';
import encodeWebp, { init as initWebp } from '@jsquash/webp/encode.js';

type WasmCompiler = { compile(bytes: Uint8Array): Promise<object> };
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmCompiler };
const require = createRequire(import.meta.url);
const codec = async (path: string): Promise<object> => wasm.compile(await readFile(require.resolve(path)));

type Pixels = { data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number; colorSpace: 'srgb' };

/** Soft shapes with grain on them, always the same; `grain` 0…1. */
function pixelsOf(width: number, height: number, grain = 0.1): Pixels {
  const data = new Uint8ClampedArray(width * height * 4);
  let seed = 12_345;
  for (let y = 0, at = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1, at += 4) {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      const noise = ((seed >> 8) % 256) - 128;
      const wave = 128 + 90 * Math.sin((x / width) * 9) * Math.cos((y / height) * 7);
      data[at] = wave + grain * noise;
      data[at + 1] = 200 - wave / 2 + grain * noise;
      data[at + 2] = 60 + wave / 3 + grain * noise;
      data[at + 3] = 255;
    }
  return { data, width, height, colorSpace: 'srgb' };
}

let jpegReady: Promise<unknown> | undefined;
export async function jpegOf(width: number, height: number, options: { grain?: number; quality?: number } = {}) {
  jpegReady ??= codec('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm').then((module) => initJpeg(module));
  await jpegReady;
  const { grain = 0.1, quality = 90 } = options;
  return new Uint8Array(await encodeJpeg(pixelsOf(width, height, grain), { quality }));
}

let pngReady: Promise<unknown> | undefined;
export async function pngOf(width: number, height: number, grain = 0.1): Promise<Uint8Array> {
  pngReady ??= codec('@jsquash/png/codec/pkg/squoosh_png_bg.wasm').then((module) => initPng(module));
  await pngReady;
  return new Uint8Array(await encodePng(pixelsOf(width, height, grain)));
}

let webpReady: Promise<unknown> | undefined;
export async function webpOf(width: number, height: number, grain = 0.1): Promise<Uint8Array> {
  webpReady ??= codec('@jsquash/webp/codec/enc/webp_enc.wasm').then((module) => initWebp(module));
  await webpReady;
  return new Uint8Array(await encodeWebp(pixelsOf(width, height, grain), { quality: 80 }));
}

/** The boxes of an AVIF that say what it is, and no pixels. */
export function avifOf(width: number, height: number): Uint8Array {
  const box = (name: string, ...content: Uint8Array[]): Buffer => {
    const body = Buffer.concat(content);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + body.length);
    head.write(name, 4, 'latin1');
    return Buffer.concat([head, body]);
  };
  const size = Buffer.alloc(12);
  size.writeUInt32BE(width, 4);
  size.writeUInt32BE(height, 8);
  return Buffer.concat([
    box('ftyp', Buffer.from('avif\0\0\0\0avifmif1', 'latin1')),
    box('meta', Buffer.alloc(4), box('iprp', box('ipco', box('ispe', size)))),
    box('mdat', Buffer.alloc(64, 7)),
  ]);
}

export const SMALL_JPEG = await jpegOf(16, 16);
