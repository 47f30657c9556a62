/** Proves that a picture is known by its bytes, that its end is found, and that nothing else passes for one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectPicture } from '../../../src/images/inspect.ts';
import { avifOf, jpegOf, pngOf, SMALL_JPEG, webpOf } from '../../support/pictures.ts';

const bytes = (...deps: (string | number)[]): Uint8Array =>
  Buffer.concat(deps.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]))));

const SOUND = { orientation: 1, isDamaged: false, isCmyk: false };
const PICTURES: [string, Uint8Array, string, string][] = [
  ['a JPEG', await jpegOf(40, 24), 'image/jpeg', 'jpg'],
  ['a JPEG with much grain', await jpegOf(40, 24, { grain: 1, quality: 100 }), 'image/jpeg', 'jpg'],
  ['a PNG', await pngOf(40, 24), 'image/png', 'png'],
  ['a WebP', await webpOf(40, 24), 'image/webp', 'webp'],
  ['an AVIF', avifOf(40, 24), 'image/avif', 'avif'],
];

describe.each(PICTURES)('%s', (_, picture, mediaType, extension) => {
  it('is known with its size', () => {
    expect(inspectPicture(picture)).toEqual({
      mediaType,
      extension,
      size: { width: 40, height: 24 },
      isWhole: true,
      ...SOUND,
    });
  });

  it('is not whole when a part of its end is missing', () => {
    for (const part of [picture.slice(0, -1), picture.slice(0, -10), picture.slice(0, picture.length / 2)])
      expect(inspectPicture(part)).toMatchObject({ mediaType, isWhole: false });
  });

  it('is judged within a larger buffer, too', () => {
    const larger = Buffer.concat([bytes(1, 2, 3), picture, bytes(0xff, 0xd9)]);
    expect(inspectPicture(larger.subarray(3, 3 + picture.length))?.isWhole).toBe(true);
    expect(inspectPicture(larger.subarray(3, 3 + picture.length - 10))?.isWhole).toBe(false);
  });

  it('that was changed anywhere is inspected without an exception', () => {
    fc.assert(
      fc.property(fc.nat(picture.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const changed = Uint8Array.from(picture);
        changed[at] = value;
        inspectPicture(changed);
      }),
      { numRuns: 300 },
    );
  });
});

it.each([
  ['a JPEG', SMALL_JPEG],
  ['a PNG', await pngOf(8, 8)],
  ['a WebP', await webpOf(8, 8)],
])('%s is whole behind some padding', (_, picture) => {
  expect(inspectPicture(Buffer.concat([picture, Buffer.alloc(5_000)]))?.isWhole).toBe(true);
});

it.each([
  ['a JPEG mark with HTML behind it', bytes(0xff, 0xd8, 0xff, 0xe0, '<html><script>alert(1)</script>', 0xff, 0xd9)],
  ['a JPEG of a comment alone', bytes(0xff, 0xd8, 0xff, 0xfe, 0, 4, 'ab', 0xff, 0xd9)],
  ['a JPEG whose segment has no length', bytes(0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xd9)],
  ['a PNG that begins with another chunk', bytes(0x89, 'PNG\r\n', 0x1a, '\n', 0, 0, 0, 0, 'IEND', 1, 2, 3, 4)],
  ['a WebP without a picture', bytes('RIFF', 4, 0, 0, 0, 'WEBP')],
  ['an AVIF with a box that reaches beyond the end', bytes(0, 0, 0, 16, 'ftypavif', 0, 0, 0, 0, 0, 1, 0, 0, 'mdat')],
  ['an AVIF with a box of no length', bytes(0, 0, 0, 16, 'ftypavif', 0, 0, 0, 0, 0, 0, 0, 2, 'mdat')],
])('%s is not whole', (_, picture) => {
  expect(inspectPicture(picture)?.isWhole).toBe(false);
});

it.each([
  ['nothing', bytes()],
  ['a single byte', bytes(0xff)],
  ['a JPEG marker alone', bytes(0xff, 0xd8)],
  ['SVG, which can hold scripts', bytes('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['HTML', bytes('<!doctype html><html></html>')],
  ['JSON', bytes('{"error":"not found"}')],
  ['BMP', bytes('BM')],
  ['a RIFF sound', bytes('RIFF', 1, 2, 3, 4, 'WAVEfmt ')],
  ['an MP4 film', bytes(0, 0, 0, 32, 'ftypisom')],
  ['a PNG whose line ends were changed', bytes(0x89, 'PNG\n', 0x1a, '\n')],
  ['a JPEG after a blank', bytes(' ', 0xff, 0xd8, 0xff)],
])('does not take %s for a picture', (_, other) => {
  expect(inspectPicture(other)).toBeUndefined();
});

it('never takes text for a picture', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      fc.pre(!/^(?:RIFF.{4}WEBP|.{4}ftypavi[fs])/su.test(text));
      expect(inspectPicture(Buffer.from(text))).toBeUndefined();
    }),
  );
});

describe('a kind of picture that is kept as it comes', () => {
  const size = { width: 40, height: 24 };
  const entry = (tag: number, value: number): Uint8Array =>
    bytes(tag & 0xff, tag >> 8, 3, 0, 1, 0, 0, 0, value, 0, 0, 0);
  const tiff = Buffer.concat([bytes('II*', 0, 8, 0, 0, 0, 2, 0), entry(0x100, 40), entry(0x101, 24)]);
  const bmp = Buffer.concat([
    bytes('BM', 60, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 40, 0, 0, 0, 0xe8, 0xff, 0xff, 0xff),
    Buffer.alloc(34),
  ]);
  it.each([
    ['gif', bytes('GIF89a', 40, 0, 24, 0, 0, 0, 0, 0x2c, 0x3b), { mediaType: 'image/gif', size, isWhole: true }],
    ['gif', bytes('GIF89a', 40, 0, 24, 0, 0, 0, 0, 0x2c, 9), { mediaType: 'image/gif', size, isWhole: false }],
    ['tiff', tiff, { mediaType: 'image/tiff', size, isWhole: true }],
    ['bmp', bmp, { mediaType: 'image/bmp', size, isWhole: true }],
    ['bmp', bmp.subarray(0, 40), { mediaType: 'image/bmp', size, isWhole: false }],
    ['jxl', bytes(0xff, 0x0a, 1, 2, 3), { mediaType: 'image/jxl', isWhole: true }],
    ['jxl', bytes(0, 0, 0, 12, 'JXL \r\n', 0x87, '\n'), { mediaType: 'image/jxl', isWhole: true }],
    ['jp2', bytes(0, 0, 0, 12, 'jP  \r\n', 0x87, '\n'), { mediaType: 'image/jp2', isWhole: true }],
    [
      'heic',
      bytes(0, 0, 0, 16, 'ftypheic', 0, 0, 0, 0, 0, 0, 0, 8, 'mdat'),
      { mediaType: 'image/heic', isWhole: true },
    ],
    [
      'heic',
      bytes(0, 0, 0, 16, 'ftypheic', 0, 0, 0, 0, 0, 0, 0, 9, 'mdat'),
      { mediaType: 'image/heic', isWhole: false },
    ],
  ])('is known: %s', (extension, picture, expected) => {
    expect(inspectPicture(picture)).toEqual({ extension, ...expected, ...SOUND });
  });
});
