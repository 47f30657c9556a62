/** Decodes the body of an HTTP answer by its `Content-Encoding`, never to more bytes than a bound. */
import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';

const NAMES = ['gzip', 'deflate', 'br', 'zstd'] as const;
export type ContentEncoding = (typeof NAMES)[number];

/** More layers than any server or proxy adds. */
const LAYERS_MAX = 4;

export class ContentTooLarge extends Error {
  override readonly name = 'ContentTooLarge';
  constructor(readonly maxBytes: number) {
    super(`The body is larger than ${maxBytes} bytes.`);
  }
}

/**
 * What the header names, in the order in which it was applied; empty for a body that was sent as it is.
 * `undefined` when this Node.js cannot decode one of them.
 */
export function contentEncodings(header: string | readonly string[] | undefined): ContentEncoding[] | undefined {
  const names = [header ?? []]
    .flat()
    .join(',')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim().replace(/^x-/u, ''))
    .filter((name) => name !== '' && name !== 'identity');
  const known = NAMES.filter((name) => name !== 'zstd' || zstdDecoder !== undefined);
  const found = names.map((name) => known.find((one) => one === name));
  if (found.length > LAYERS_MAX || found.includes(undefined)) return undefined;
  return found.filter((name) => name !== undefined);
}

type Body = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * The decoded body, chunk by chunk; a consumer that stops early ends the source.
 * @throws ContentTooLarge as soon as any layer exceeds the bound; the errors of zlib for a body that cannot be decoded
 */
export async function* decodedContent(
  body: Body,
  encodings: readonly ContentEncoding[],
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  // The last one was applied last.
  const layers = encodings.toReversed();
  const content = layers.reduce<Body>((inner, encoding) => bounded(decodedLayer(inner, encoding), maxBytes), body);
  yield* layers.length === 0 ? bounded(body, maxBytes) : content;
}

/**
 * The whole body as it was before it was encoded. Some servers name an encoding that they did not apply, or one that
 * says nothing about bytes (`utf-8`, `none`), and some send gzip without a word: what can be read is taken.
 * @param isReadable whether these bytes may be what was asked for
 * @returns `undefined` when it is in an encoding that cannot be decoded
 * @throws ContentTooLarge
 */
export async function wholeContent(
  body: readonly Uint8Array[],
  header: string | readonly string[] | undefined,
  { maxBytes, isReadable }: { maxBytes: number; isReadable: (bytes: Uint8Array) => boolean },
): Promise<Uint8Array | undefined> {
  const encodings = contentEncodings(header);
  const named = encodings && (await decodedOrNothing(body, encodings, maxBytes));
  if (named !== undefined && isReadable(named)) return named;
  const plain = Buffer.concat(body);
  if (encodings?.length !== 0 && isReadable(plain)) return plain;
  for (const packed of [named, plain]) {
    if (packed === undefined || !isGzip(packed)) continue;
    const unpacked = await decodedOrNothing([packed], ['gzip'], maxBytes);
    if (unpacked !== undefined && isReadable(unpacked)) return unpacked;
  }
  return named;
}

async function decodedOrNothing(
  body: readonly Uint8Array[],
  encodings: readonly ContentEncoding[],
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of decodedContent(body, encodings, maxBytes)) chunks.push(chunk);
  } catch (error) {
    if (error instanceof ContentTooLarge) throw error;
    return undefined;
  }
  return Buffer.concat(chunks);
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function* bounded(body: Body, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new ContentTooLarge(maxBytes);
    yield chunk;
  }
}

/** Enough to recognise the longest signature below. */
const FIRST_BYTES = 4;

async function* decodedLayer(body: Body, encoding: ContentEncoding): AsyncGenerator<Uint8Array, void, undefined> {
  const source = (async function* () {
    yield* body;
  })();
  let first: Uint8Array = new Uint8Array();
  while (first.length < FIRST_BYTES) {
    const { value, done } = await source.next();
    if (done === true) break;
    first = Buffer.concat([first, value]);
  }
  const whole = (async function* () {
    try {
      if (first.length > 0) yield first;
      yield* source;
    } finally {
      // A consumer may stop before the source was reached.
      await source.return();
    }
  })();
  const decoder = decoderFor(encoding, first);
  // The callback is required; the error arrives through the iteration as well.
  if (decoder !== undefined) pipeline(Readable.from(whole, { objectMode: false }), decoder, () => undefined);
  yield* (decoder ?? whole) as AsyncIterable<Uint8Array>;
}

/** `undefined` for a body without the signature of its encoding: it was sent as it is, whatever its header says. */
function decoderFor(encoding: ContentEncoding, first: Uint8Array): Transform | undefined {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = first;
  switch (encoding) {
    case 'gzip':
      return isGzip(first) ? zlib.createGunzip() : undefined;
    case 'zstd':
      return b0 === 0x28 && b1 === 0xb5 && b2 === 0x2f && b3 === 0xfd ? zstdDecoder?.() : undefined;
    case 'br':
      return first.length === 0 ? undefined : zlib.createBrotliDecompress();
    case 'deflate':
      if (first.length === 0) return undefined;
      // Some servers leave out the zlib header that RFC 9110 asks for.
      return (b0 & 0x0f) === 8 && (b0 * 256 + b1) % 31 === 0 ? zlib.createInflate() : zlib.createInflateRaw();
    default:
      return encoding satisfies never;
  }
}

/** Node.js has it from 22.15 on; the types of Node.js 20 do not know it. */
const zstdDecoder = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;
