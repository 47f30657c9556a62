/** Decodes the body of an HTTP answer by its `Content-Encoding`, never to more bytes than a bound. */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { codeOf } from './failure.ts';

type Decode = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

const inflate: Decode = promisify(zlib.inflate);
const inflateRaw: Decode = promisify(zlib.inflateRaw);
/** Node.js has it from 22.15 on; the types of Node.js 20 do not know it. */
const { zstdDecompress } = zlib as { zstdDecompress?: typeof zlib.gunzip };

const DECODERS = new Map<string, Decode>([
  ['gzip', promisify(zlib.gunzip)],
  ['br', promisify(zlib.brotliDecompress)],
  // Some servers leave out the zlib header that RFC 9110 asks for.
  ['deflate', (bytes, options) => (hasZlibHeader(bytes) ? inflate : inflateRaw)(bytes, options)],
]);
if (zstdDecompress !== undefined) DECODERS.set('zstd', promisify(zstdDecompress));

export class ContentTooLarge extends Error {}

/**
 * What the header names, in the order in which it was applied; empty for a body that was sent as it is.
 * `undefined` when this Node.js cannot decode one of them.
 */
export function contentEncodings(header: string | readonly string[] | undefined): string[] | undefined {
  const names = String(header ?? [])
    .toLowerCase()
    .split(',')
    .map((name) => name.trim().replace(/^x-/u, ''))
    .filter((name) => name !== '' && name !== 'identity');
  // No server or proxy adds more layers than four.
  return names.length > 4 || names.some((name) => !DECODERS.has(name)) ? undefined : names;
}

/**
 * The body as it was before it was encoded; `undefined` when it cannot be decoded.
 * @param encodings from `contentEncodings`; one whose signature the bytes lack was not applied, whatever the header says
 * @throws ContentTooLarge as soon as any layer exceeds the bound
 */
export async function decodedContent(body: Buffer, encodings: readonly string[], maxBytes: number) {
  let bytes = body;
  for (const name of encodings.toReversed()) {
    const isApplied = bytes.length > 0 && (name !== 'gzip' || isGzip(bytes)) && (name !== 'zstd' || isZstd(bytes));
    const decode = DECODERS.get(name);
    if (!isApplied || decode === undefined) continue;
    try {
      bytes = await decode(bytes, { maxOutputLength: Math.max(1, maxBytes) });
    } catch (error) {
      if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw new ContentTooLarge();
      return undefined;
    }
  }
  if (bytes.length > maxBytes) throw new ContentTooLarge();
  return bytes;
}

/**
 * The whole body as it was before it was encoded. Some servers name an encoding that they did not apply, or one that
 * says nothing about bytes (`utf-8`, `none`), and some send gzip without a word: what can be read is taken.
 * @param isReadable whether these bytes may be what was asked for
 * @returns `undefined` when it is in an encoding that cannot be decoded
 * @throws ContentTooLarge
 */
export async function wholeContent(
  chunks: readonly Uint8Array[],
  header: string | readonly string[] | undefined,
  { maxBytes, isReadable }: { maxBytes: number; isReadable: (bytes: Uint8Array) => boolean },
): Promise<Uint8Array | undefined> {
  const body = Buffer.concat(chunks);
  const encodings = contentEncodings(header);
  const named = encodings && (await decodedContent(body, encodings, maxBytes));
  for (const bytes of [named, body]) if (bytes !== undefined && isReadable(bytes)) return bytes;
  for (const packed of [named, body]) {
    const unpacked = packed && isGzip(packed) ? await decodedContent(packed, ['gzip'], maxBytes) : undefined;
    if (unpacked !== undefined && isReadable(unpacked)) return unpacked;
  }
  return named;
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;
const isZstd = (bytes: Buffer): boolean => bytes.length >= 4 && bytes.readUInt32LE() === 0xfd2fb528;

function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
