/** Decodes, shrinks and encodes pixels by WebAssembly codecs, each of which is compiled when it is first used. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import jpegDecode, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js';
import jpegEncode, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js';
import { init as initPngDecoder, decode as pngDecode } from '@jsquash/png/decode.js';
import initResizer, { resize } from '@jsquash/resize/lib/resize/pkg/squoosh_resize.js';
import webpDecode, { init as initWebpDecoder } from '@jsquash/webp/decode.js';
import { madeOnce } from '../core/primitives.ts';

/** RGBA, row by row. */
export type Pixels = { width: number; height: number; data: Uint8ClampedArray };

// The codecs make pictures by the name of this class: a browser has it, Node has not.
Object.assign(globalThis, {
  ImageData: class {
    constructor(
      readonly data: Uint8ClampedArray,
      readonly width: number,
      readonly height: number,
    ) {}
  },
});

const DECODERS = {
  'image/jpeg': { load: codec('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm', initJpegDecoder), decode: jpegDecode },
  'image/png': { load: codec('@jsquash/png/codec/pkg/squoosh_png_bg.wasm', initPngDecoder), decode: pngDecode },
  'image/webp': { load: codec('@jsquash/webp/codec/dec/webp_dec.wasm', initWebpDecoder), decode: webpDecode },
};
const loadJpegEncoder = codec('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm', initJpegEncoder);
const loadResizer = codec('@jsquash/resize/lib/resize/pkg/squoosh_resize_bg.wasm', initResizer);

/**
 * Of a JPEG that was cut off the codec fills the rest with grey and says nothing.
 * @returns `undefined` for a type that is not decoded here. @throws for bytes that are not of this type
 */
export async function decodePixels(bytes: Uint8Array, mediaType: string): Promise<Pixels | undefined> {
  const decoder = Object.hasOwn(DECODERS, mediaType) ? DECODERS[mediaType as keyof typeof DECODERS] : undefined;
  await decoder?.load();
  // A small Buffer shares its memory with others.
  return decoder?.decode(Uint8Array.from(bytes).buffer);
}

/** @param quality 0 to 100 */
export async function encodeJpeg(pixels: Pixels, quality: number): Promise<Uint8Array> {
  await loadJpegEncoder();
  // Progressive is mozjpeg's default and costs the time of several passes; a preview has no use for it.
  return new Uint8Array(await jpegEncode({ ...pixels, colorSpace: 'srgb' }, { quality, progressive: false }));
}

/** Of the package's methods the one that is fast and smooth enough for making pictures smaller. */
const TRIANGLE = 0;

export async function shrunk(pixels: Pixels, maxSidePx: number): Promise<Pixels> {
  const { data } = pixels;
  const scale = maxSidePx / Math.max(pixels.width, pixels.height);
  if (scale >= 1) return pixels;
  await loadResizer();
  const [width, height] = [scaled(pixels.width, scale), scaled(pixels.height, scale)];
  const input = new Uint8Array(data.buffer, data.byteOffset, data.length);
  // Neither premultiplied nor in linear light: six times the time for a difference that a preview does not show.
  const output = resize(input, pixels.width, pixels.height, width, height, TRIANGLE, false, false);
  return { width, height, data: new Uint8ClampedArray(output.buffer, output.byteOffset, output.length) };
}

const scaled = (px: number, scale: number): number => Math.max(1, Math.round(px * scale));

/** The types of Node 20 know WebAssembly by name only. */
type WasmCompiler = { compile(bytes: Uint8Array): Promise<object> };
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmCompiler };

/** @param specifier of its file in its package; in the published program the file is next to the bundle */
function codec(specifier: string, init: (compiled: object) => Promise<unknown>): () => Promise<unknown> {
  return madeOnce(async () => {
    const adjacent = fileURLToPath(new URL(`./${basename(specifier)}`, import.meta.url));
    const file = existsSync(adjacent) ? adjacent : createRequire(import.meta.url).resolve(specifier);
    return init(await wasm.compile(await readFile(file)));
  });
}
