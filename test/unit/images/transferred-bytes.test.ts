/** Proves that bytes of a transfer are put together within the bound, and that only the rest of the same bytes is added. */
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { TransferredBytes } from '../../../src/images/download.ts';
import { rejectedWords } from '../../support/words.ts';

const MAX = 30 * 1024 ** 2;

function take(
  bytes: TransferredBytes,
  statusCode: number,
  headers: Record<string, string>,
  ...chunks: (string | Buffer)[]
): Promise<void> {
  const body = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  return bytes.receive({ statusCode, headers, body: body as never });
}

it('goes on where it broke off, when the host names the bytes and sends that very part', async () => {
  const bytes = new TransferredBytes();
  expect(bytes.rest).toBeUndefined();
  await take(bytes, 200, { etag: '"v1"', 'content-length': '6' }, 'abcd');
  expect(bytes.rest).toEqual({ range: 'bytes=4-', 'if-range': '"v1"' });
  await take(bytes, 206, { 'content-range': 'bytes 4-5/6' }, 'ef');
  expect(Buffer.from(await bytes.decoded()).toString()).toBe('abcdef');
});

it.each([
  ['from elsewhere', 'bytes 3-5/6'],
  ['that ends before the end', 'bytes 4-4/6'],
  ['of an unknown whole', 'bytes 4-5/*'],
  ['without saying which', ''],
])('a part %s is refused', async (_, range) => {
  const bytes = new TransferredBytes();
  await take(bytes, 200, { etag: '"v1"' }, 'abcd');
  const refused = take(bytes, 206, { 'content-range': range }, 'ef');
  expect((await rejectedWords(refused)).what).toContain('another part of it');
});

it('begins again when the host sends the whole again', async () => {
  const bytes = new TransferredBytes();
  await take(bytes, 200, { 'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT' }, 'old');
  await take(bytes, 200, { etag: '"v2"' }, 'new');
  expect(Buffer.from(await bytes.decoded()).toString()).toBe('new');
});

it.each([[{}], [{ etag: 'W/"v1"' }]])('is not resumed without what names the bytes: %j', async (headers) => {
  const bytes = new TransferredBytes();
  await take(bytes, 200, headers, 'abcd');
  expect(bytes.size).toBe(4);
  expect(bytes.rest).toBeUndefined();
});

it('never holds more than the bound', async () => {
  const bytes = new TransferredBytes();
  const chunks = Array<Buffer>(30).fill(Buffer.alloc(1024 ** 2));
  await take(bytes, 200, { etag: '"v1"' }, ...chunks);
  expect((await bytes.decoded()).length).toBe(MAX);
  const more = take(bytes, 206, { 'content-range': `bytes ${MAX}-${MAX}/${MAX + 1}` }, 'x');
  expect((await rejectedWords(more)).what).toContain('larger than 30 MB');
  expect(bytes.size).toBe(MAX);
});
