/** Proves that a picture is known by its bytes, and that nothing else passes for one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sniffImage } from '../../../src/images/sniff.ts';

const bytes = (...parts: (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]))));

describe('sniffImage', () => {
  it.each([
    ['a JPEG with JFIF', bytes(0xff, 0xd8, 0xff, 0xe0, 'JFIF'), 'image/jpeg', 'jpg'],
    ['a JPEG with Exif', bytes(0xff, 0xd8, 0xff, 0xe1, 'Exif'), 'image/jpeg', 'jpg'],
    ['a PNG', bytes(0x89, 'PNG\r\n', 0x1a, '\n', 0, 0, 0, 13, 'IHDR'), 'image/png', 'png'],
    ['a WebP', bytes('RIFF', 1, 2, 3, 4, 'WEBPVP8 '), 'image/webp', 'webp'],
    ['an AVIF', bytes(0, 0, 0, 32, 'ftypavif'), 'image/avif', 'avif'],
    ['an AVIF sequence', bytes(0, 0, 0, 32, 'ftypavis'), 'image/avif', 'avif'],
  ])('knows %s', (_, picture, mediaType, extension) => {
    expect(sniffImage(picture)).toEqual({ mediaType, extension });
  });

  it.each([
    ['nothing', bytes()],
    ['a single byte', bytes(0xff)],
    ['a JPEG marker alone', bytes(0xff, 0xd8)],
    ['SVG, which can hold scripts', bytes('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['HTML', bytes('<!doctype html><html></html>')],
    ['JSON', bytes('{"error":"not found"}')],
    ['GIF', bytes('GIF89a')],
    ['BMP', bytes('BM')],
    ['a RIFF sound', bytes('RIFF', 1, 2, 3, 4, 'WAVEfmt ')],
    ['an MP4 film', bytes(0, 0, 0, 32, 'ftypisom')],
    ['HEIC', bytes(0, 0, 0, 32, 'ftypheic')],
    ['a PNG whose line ends were changed', bytes(0x89, 'PNG\n', 0x1a, '\n')],
    ['a JPEG after a blank', bytes(' ', 0xff, 0xd8, 0xff)],
  ])('does not take %s for a picture', (_, other) => {
    expect(sniffImage(other)).toBeUndefined();
  });

  it('never takes text for a picture', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        fc.pre(!/^(?:RIFF.{4}WEBP|.{4}ftypavi[fs])/su.test(text));
        expect(sniffImage(Buffer.from(text))).toBeUndefined();
      }),
    );
  });
});
