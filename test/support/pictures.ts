/** Pictures for tests: small whole ones of each kind, and JPEGs of any size that compress as badly as photographs. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { deflateSync } from 'node:zlib';
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

/** Four quarters: red and green above, blue and white below. */
export function quarters(width: number, height: number): Pixels {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, at = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1, at += 4) {
      const [right, below] = [x >= width / 2, y >= height / 2];
      const color = below ? (right ? [255, 255, 255] : [0, 0, 255]) : right ? [0, 255, 0] : [255, 0, 0];
      data.set([...color, 255], at);
    }
  return { data, width, height, colorSpace: 'srgb' };
}

let jpegReady: Promise<unknown> | undefined;
export async function jpegOf(
  width: number,
  height: number,
  options: { grain?: number; quality?: number; pixels?: typeof pixelsOf } = {},
) {
  jpegReady ??= codec('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm').then((module) => initJpeg(module));
  await jpegReady;
  const { grain = 0.1, quality = 90, pixels = pixelsOf } = options;
  return new Uint8Array(await encodeJpeg(pixels(width, height, grain), { quality }));
}

let pngReady: Promise<unknown> | undefined;
export async function pngOf(width: number, height: number, grain = 0.1, pixels = pixelsOf): Promise<Uint8Array> {
  pngReady ??= codec('@jsquash/png/codec/pkg/squoosh_png_bg.wasm').then((module) => initPng(module));
  await pngReady;
  return new Uint8Array(await encodePng(pixels(width, height, grain)));
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

/** As orders of 256×256 get it, and light enough for every host to take it whole: no thread loads codecs for a preview. */
export const LIGHT_JPEG = await jpegOf(256, 256, { grain: 0 });

/** Where the frame header of a JPEG made here begins. */
function frameAt(jpeg: Uint8Array): number {
  for (let at = 2; jpeg[at] === 0xff; at += 2 + ((jpeg[at + 2] ?? 0) << 8) + (jpeg[at + 3] ?? 0))
    if ([0xc0, 0xc1, 0xc2].includes(jpeg[at + 1] ?? 0)) return at;
  throw new Error('a JPEG without a frame header');
}

/** A baseline frame header, with its mark. */
export function frameHeader(width: number, height: number, components = 3): Uint8Array {
  const header = Buffer.alloc(10 + 3 * components);
  header.set([0xff, 0xc0, 0, 8 + 3 * components, 8]);
  header.writeUInt16BE(height, 5);
  header.writeUInt16BE(width, 7);
  header[9] = components;
  for (let index = 0; index < components; index += 1) header.set([index + 1, 0x11, 0], 10 + 3 * index);
  return header;
}

/** The same JPEG, whose frame header says another size than its pixels have. */
export function withFrameSize(jpeg: Uint8Array, width: number, height: number): Uint8Array {
  const bytes = Buffer.from(jpeg);
  const at = frameAt(jpeg);
  bytes.writeUInt16BE(height, at + 5);
  bytes.writeUInt16BE(width, at + 7);
  return bytes;
}

export function withSecondFrame(jpeg: Uint8Array, width: number, height: number): Uint8Array {
  const at = frameAt(jpeg);
  const end = at + 2 + ((jpeg[at + 2] ?? 0) << 8) + (jpeg[at + 3] ?? 0);
  const second = withFrameSize(jpeg, width, height).subarray(at, end);
  return Buffer.concat([jpeg.subarray(0, end), second, jpeg.subarray(end)]);
}

function segment(marker: number, content: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 0xff]);
  return Buffer.concat([head, content]);
}

/** The same JPEG with EXIF data that say how it is turned, and a thumbnail if wanted. */
export function withExif(jpeg: Uint8Array, orientation: number, thumbnail: Uint8Array = new Uint8Array()): Uint8Array {
  const tiff = Buffer.from('MM\0*\0\0\0\u0008\0\u0001\u0001\u0012\0\u0003\0\0\0\u0001\0\0\0\0\0\0\0\0', 'latin1');
  tiff.writeUInt16BE(orientation, 18);
  const exif = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff, thumbnail]));
  return Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]);
}

type ProfileForm = { space?: string; bytes?: number; packed?: boolean };

/** The head of a colour profile and nothing sensible behind it; `packed` as a PNG has it. */
export function rgbProfile({ space = 'RGB ', bytes = 560, packed = false }: ProfileForm = {}): Buffer {
  const profile = Buffer.alloc(bytes, packed ? 0 : 3).fill(3, 0, Math.min(bytes, 560));
  profile.writeUInt32BE(bytes, 0);
  profile.write(space, 16, 'latin1');
  profile.write('acsp', 36, 'latin1');
  return packed ? Buffer.concat([Buffer.from('p3\0\0', 'latin1'), deflateSync(profile)]) : profile;
}

/** The same JPEG with a colour profile, in segments of so many bytes. */
export function withProfile(jpeg: Uint8Array, profile: Uint8Array, partBytes = 60_000): Uint8Array {
  const count = Math.ceil(profile.length / partBytes);
  const deps = Array.from({ length: count }, (_, index) =>
    segment(
      0xe2,
      Buffer.concat([
        Buffer.from('ICC_PROFILE\0', 'latin1'),
        Buffer.from([index + 1, count]),
        profile.subarray(index * partBytes, (index + 1) * partBytes),
      ]),
    ),
  );
  return Buffer.concat([jpeg.subarray(0, 2), ...deps, jpeg.subarray(2)]);
}

/** With its checksum. */
export function pngChunk(name: string, content: Uint8Array): Uint8Array {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
