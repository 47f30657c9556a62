/** Proves that bytes of a transfer are put together within the bound, and that only the rest of the same bytes is added. */
import { expect, it } from 'vitest';
import { TransferredBytes } from '../../../src/images/download.ts';
import { thrown, wordsOf } from '../../support/words.ts';

const MAX = 30 * 1024 ** 2;
const begin = (bytes: TransferredBytes, statusCode: number, headers: Record<string, string> = {}) =>
  bytes.begin({ statusCode, headers });

it('goes on where it broke off, when the host names the bytes and sends that very part', async () => {
  const bytes = new TransferredBytes();
  expect(bytes.rangeHeaders()).toEqual({});
  expect(begin(bytes, 200, { etag: '"v1"', 'content-length': '6' })).toBeUndefined();
  bytes.add(Buffer.from('abcd'));
  expect(bytes.canResume).toBe(true);
  expect(bytes.rangeHeaders()).toEqual({ range: 'bytes=4-', 'if-range': '"v1"' });
  expect(begin(bytes, 206, { 'content-range': 'bytes 4-5/6' })).toBeUndefined();
  bytes.add(Buffer.from('ef'));
  expect(Buffer.from(await bytes.decoded()).toString()).toBe('abcdef');
});

it.each([
  ['from elsewhere', 'bytes 3-5/6'],
  ['that ends before the end', 'bytes 4-4/6'],
  ['of an unknown whole', 'bytes 4-5/*'],
  ['without saying which', ''],
])('a part %s is refused', (_, range) => {
  const bytes = new TransferredBytes();
  begin(bytes, 200, { etag: '"v1"' });
  bytes.add(Buffer.from('abcd'));
  expect(wordsOf(begin(bytes, 206, { 'content-range': range })).what).toContain('another part of it');
});

it('begins again when the host sends the whole again', async () => {
  const bytes = new TransferredBytes();
  begin(bytes, 200, { 'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT' });
  bytes.add(Buffer.from('old'));
  begin(bytes, 200, { etag: '"v2"' });
  bytes.add(Buffer.from('new'));
  expect(Buffer.from(await bytes.decoded()).toString()).toBe('new');
});

it.each([[{}], [{ etag: 'W/"v1"' }]])('is not resumed without what names the bytes: %j', (headers) => {
  const bytes = new TransferredBytes();
  begin(bytes, 200, headers);
  bytes.add(Buffer.from('abcd'));
  expect(bytes.canResume).toBe(false);
  expect(bytes.rangeHeaders()).toEqual({});
});

it('never holds more than the bound', async () => {
  const bytes = new TransferredBytes();
  begin(bytes, 200);
  const chunk = new Uint8Array(1024 ** 2);
  for (let sum = 0; sum < MAX; sum += chunk.length) bytes.add(chunk);
  expect((await bytes.decoded()).buffer.byteLength).toBe(MAX);
  expect(wordsOf(thrown(() => bytes.add(new Uint8Array(1)))).what).toContain('larger than 30 MB');
});
