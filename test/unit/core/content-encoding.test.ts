// Owns the proof that bodies are decoded as their header says, and that no body can exceed its bound.
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentTooLarge, contentEncodings, decodedContent } from '../../../src/core/content-encoding.ts';

const TEXT = Buffer.from('A heron, standing in the shallows. '.repeat(200));
const BOUND = 100_000;

const zstd = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer };
const ENCODERS: Record<string, (bytes: Uint8Array) => Buffer> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  'x-gzip': (bytes) => zlib.gzipSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  ...(zstd.zstdCompressSync === undefined ? {} : { zstd: zstd.zstdCompressSync }),
};

async function decode(
  body: Uint8Array,
  header: string | string[] | undefined,
  bound = BOUND,
): Promise<Buffer | undefined> {
  const encodings = contentEncodings(header);
  if (encodings === undefined) throw new Error('unknown encoding');
  return decodedContent(Buffer.from(body), encodings, bound);
}

describe('the encodings of a header', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['identity', []],
    [' Identity , ', []],
    ['GZIP', ['gzip']],
    ['x-gzip', ['gzip']],
    [
      ['gzip', 'br'],
      ['gzip', 'br'],
    ],
    [' deflate,BR ', ['deflate', 'br']],
    ['aws-chunked', undefined],
    ['compress', undefined],
    ['gzip, secret', undefined],
    ['gzip,gzip,gzip,gzip,gzip', undefined],
    ['constructor', undefined],
  ])('are read out of %j', (header, expected) => {
    expect(contentEncodings(header)).toEqual(expected);
  });
});

describe('an encoded body', () => {
  it.each(Object.keys(ENCODERS))('is decoded from %s', async (name) => {
    expect(await decode(ENCODERS[name]?.(TEXT) ?? Buffer.alloc(0), name)).toEqual(TEXT);
  });

  it('is decoded through several layers, the last one first', async () => {
    const body = zlib.brotliCompressSync(zlib.gzipSync(zlib.deflateSync(TEXT)));
    expect(await decode(body, 'deflate, gzip, br')).toEqual(TEXT);
  });

  it('is decoded from deflate without the zlib header, which some servers send', async () => {
    expect(await decode(zlib.deflateRawSync(TEXT), 'deflate')).toEqual(TEXT);
  });

  it('is taken as it is when it has no signature of the encoding that its header names', async () => {
    expect(await decode(TEXT, 'gzip')).toEqual(TEXT);
  });

  it.each(['gzip', 'br', 'deflate', 'identity'])('is nothing when nothing came, also as %s', async (name) => {
    expect(await decode(Buffer.alloc(0), name)).toHaveLength(0);
  });

  it.each(['gzip', 'br', 'deflate'])('is nothing when %s was cut off', async (name) => {
    const body = ENCODERS[name]?.(TEXT) ?? Buffer.alloc(0);
    expect(await decode(body.subarray(0, body.length - 5), name)).toBeUndefined();
  });
});

describe('the bound of a decoded body', () => {
  it('ends a bomb, and a bomb within a bomb, without decoding all of it', async () => {
    const zeros = Buffer.alloc(64 * 1024 * 1024);
    const bomb = zlib.gzipSync(zeros);
    await expect(decode(bomb, 'gzip')).rejects.toThrow(ContentTooLarge);
    await expect(decode(zlib.brotliCompressSync(bomb), 'gzip, br')).rejects.toThrow(ContentTooLarge);
    await expect(decode(zlib.gzipSync(Buffer.alloc(BOUND + 1)), 'gzip')).rejects.toThrow(ContentTooLarge);
  });

  it('holds for every encoding and size, exactly', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('identity', ...Object.keys(ENCODERS)),
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 0, max: 300 }),
        async (name, bytes, bound) => {
          const body = ENCODERS[name]?.(bytes) ?? Buffer.from(bytes);
          const read = decode(body, name, bound);
          if (bytes.length > bound) await expect(read).rejects.toThrow(ContentTooLarge);
          else expect(await read).toEqual(Buffer.from(bytes));
        },
      ),
      { numRuns: 100 },
    );
  });
});
