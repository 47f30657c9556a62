/** Proves that the bytes of an answer are taken whole, within the bound, or not at all. */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { bytesIn } from '../../../src/images/download.ts';
import { rejectedWords } from '../../support/words.ts';

const MAX = 30 * 1024 ** 2;

function bytesOf(statusCode: number, headers: Record<string, string>, ...chunks: (string | Buffer)[]) {
  const body = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  return bytesIn({ statusCode, headers, body: body as never });
}

describe('an answer', () => {
  it('is put together from its chunks', async () => {
    expect(Buffer.from(await bytesOf(200, {}, 'abcd', 'ef')).toString()).toBe('abcdef');
  });

  it('with a part that is the whole is the whole', async () => {
    const part = bytesOf(206, { 'content-range': 'bytes 0-5/6' }, 'abcd', 'ef');
    expect(Buffer.from(await part).toString()).toBe('abcdef');
  });

  it.each([
    ['from elsewhere', 'bytes 3-5/6'],
    ['that ends before the end', 'bytes 0-4/6'],
    ['of an unknown whole', 'bytes 0-5/*'],
    ['that is longer than the body', 'bytes 0-6/7'],
    ['without saying which', ''],
  ])('with a part %s is refused', async (_, range) => {
    const refused = bytesOf(206, { 'content-range': range }, 'abcdef');
    expect((await rejectedWords(refused)).what).toContain('only a part of it');
  });

  it('is never larger than the bound, whatever length it claims', async () => {
    const chunks = Array<Buffer>(30).fill(Buffer.alloc(1024 ** 2));
    expect((await bytesOf(200, {}, ...chunks)).length).toBe(MAX);
    for (const headers of [{}, { 'content-length': '6' }])
      expect((await rejectedWords(bytesOf(200, headers, ...chunks, 'x'))).what).toContain('larger than 30 MB');
    const claimed = bytesOf(200, { 'content-length': String(MAX + 1) }, 'x');
    expect((await rejectedWords(claimed)).what).toContain('larger than 30 MB');
  });
});
