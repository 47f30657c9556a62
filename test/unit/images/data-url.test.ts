// Owns the proof that data URLs are read however they are written, within the bound of a picture.
import { describe, expect, it } from 'vitest';
import { bytesOfDataUrl } from '../../../src/images/download.ts';
import { thrown, wordsOf } from '../../support/words.ts';

const BYTES = Buffer.from([0x89, 0x50, 0x00, 0xff, 0x25, 0x2c, 0xfe, 0x3e]);
const BASE64 = BYTES.toString('base64');
const PERCENT = [...BYTES].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

describe('a data URL', () => {
  it.each([
    ['in its usual form', `data:image/png;base64,${BASE64}`],
    ['in capital letters', `DATA:IMAGE/PNG;BASE64,${BASE64}`],
    ['with parameters', `data:image/png;charset=utf-8;name=a.png;base64,${BASE64}`],
    ['without a media type', `data:;base64,${BASE64}`],
    ['with blanks around the word', `data:image/png; base64 ,${BASE64}`],
    ['with line breaks in the data', `data:image/png;base64,${BASE64.slice(0, 5)}\r\n ${BASE64.slice(5)}`],
    ['with escaped line breaks in the data', `data:image/png;base64,${BASE64.slice(0, 5)}%0A${BASE64.slice(5)}`],
    [
      'with escaped signs',
      `data:image/png;base64,${BASE64.replaceAll('+', '%2B').replaceAll('/', '%2f').replaceAll('=', '%3D')}`,
    ],
    ['in the alphabet for URLs, without padding', `data:image/png;base64,${BYTES.toString('base64url')}`],
    ['without Base64', `data:image/png,${PERCENT}`],
    ['with escapes in capital letters', `data:,${PERCENT.toUpperCase()}`],
  ])('%s is read', (_, url) => {
    expect(Buffer.from(bytesOfDataUrl(url) ?? [])).toEqual(BYTES);
  });

  it('keeps what only looks like an escape', () => {
    expect(Buffer.from(bytesOfDataUrl('data:,100%25%2%zz%') ?? []).toString()).toBe('100%%2%zz%');
  });

  it.each(['data:', 'data:image/png;base64', `data:${'x'.repeat(2_000)},AAAA`])(
    'without data is an error: %.30s',
    (url) => {
      expect(wordsOf(thrown(() => bytesOfDataUrl(url))).what).toContain('a data URL without data');
    },
  );

  it('larger than a picture may be is an error that does not hold it', () => {
    const url = `data:image/png;base64,${'A'.repeat(42_000_000)}`;
    expect(wordsOf(thrown(() => bytesOfDataUrl(url))).what).toContain('larger than 30 MB');
  });
});
