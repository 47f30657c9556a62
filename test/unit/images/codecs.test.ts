/** Proves that only a whole JPEG counts as a picture that decodes. */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import encode, { init } from '@jsquash/jpeg/encode.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeJpeg } from '../../../src/images/codecs.ts';

const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): Promise<object> } };

let jpeg: Uint8Array;
beforeAll(async () => {
  const codec = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
  await init(await wasm.compile(await readFile(codec)));
  const data = Uint8ClampedArray.from({ length: 32 * 16 * 4 }, (_, index) => (index % 4 === 3 ? 255 : index % 251));
  jpeg = new Uint8Array(await encode({ width: 32, height: 16, data, colorSpace: 'srgb' } as never));
});

describe('decodeJpeg', () => {
  it('gives the size and every pixel', async () => {
    const pixels = await decodeJpeg(jpeg);
    expect([pixels.width, pixels.height, pixels.data.length]).toEqual([32, 16, 32 * 16 * 4]);
  });

  it('reads a view into a larger memory', async () => {
    const larger = Buffer.concat([Buffer.from('before'), jpeg, Buffer.from('after')]);
    expect((await decodeJpeg(larger.subarray(6, 6 + jpeg.length))).width).toBe(32);
  });

  it('refuses one that is cut off anywhere', async () => {
    for (const share of [0.3, 0.6, 0.9]) {
      await expect(decodeJpeg(jpeg.subarray(0, Math.floor(jpeg.length * share)))).rejects.toThrow('not a whole JPEG');
    }
    await expect(decodeJpeg(jpeg.subarray(0, -1))).rejects.toThrow('not a whole JPEG');
  });

  it.each([
    ['nothing', ''],
    ['a page', '<!doctype html>'],
    ['a PNG', '\u0089PNG\r\n\u001A\n'],
  ])('refuses %s', async (_, text) => {
    await expect(decodeJpeg(Buffer.from(text, 'latin1'))).rejects.toThrow('not a JPEG');
  });
});
