/** Proves that a picture that was cut off is told from a whole one. */
import { describe, expect, it } from 'vitest';
import { sniffImage } from '../../../src/images/sniff.ts';
import { isWhole } from '../../../src/images/whole.ts';

const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

const body = Array.from({ length: 3_000 }, (_, index) => index % 200);
const JPEG = bytes([0xff, 0xd8, 0xff, 0xe0], body, [0xff, 0xd9]);
const PNG = bytes([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], body, 'IEND', [0xae, 0x42, 0x60, 0x82]);
const WEBP = bytes('RIFF', [0xbc, 0x0b, 0, 0], 'WEBP', body);

const whole = (picture: Uint8Array): boolean => {
  const type = sniffImage(picture);
  if (type === undefined) throw new Error('no picture');
  return isWhole(picture, type);
};

describe.each([
  ['JPEG', JPEG],
  ['PNG', PNG],
  ['WebP', WEBP],
])('%s', (_name, picture) => {
  it('is whole to its last byte, and behind some padding', () => {
    expect(whole(picture)).toBe(true);
    expect(whole(bytes([...picture], [0, 0, 0]))).toBe(true);
  });

  it('is not whole when its end is missing', () => {
    expect(whole(picture.slice(0, -10))).toBe(false);
    expect(whole(picture.slice(0, picture.length / 2))).toBe(false);
  });

  it('is judged within a larger buffer, too', () => {
    const larger = bytes([1, 2, 3], [...picture], [0xff, 0xd9]);
    expect(whole(larger.subarray(3, 3 + picture.length - 10))).toBe(false);
  });
});
