/** Makes pictures smaller, by a WebAssembly routine that is compiled when first used. */
import init, { resize } from '@jsquash/resize/lib/resize/pkg/squoosh_resize.js';
import { compileCodec } from './codec-file.ts';
import type { Pixels } from './pixels.ts';

let ready: Promise<unknown> | undefined;

/** Of the package's methods the one that is fast and smooth enough for making pictures smaller. */
const TRIANGLE = 0;

export async function resized({ data, width, height }: Pixels, to: { width: number; height: number }): Promise<Pixels> {
  ready ??= compileCodec('@jsquash/resize/lib/resize/pkg/squoosh_resize_bg.wasm').then((codec) => init(codec));
  await ready;
  const input = new Uint8Array(data.buffer, data.byteOffset, data.length);
  // Neither premultiplied nor in linear light: six times the time for a difference that a preview does not show.
  const output = resize(input, width, height, to.width, to.height, TRIANGLE, false, false);
  return { ...to, data: new Uint8ClampedArray(output.buffer, output.byteOffset, output.length) };
}
