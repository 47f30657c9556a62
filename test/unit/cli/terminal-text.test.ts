/** Proves that foreign text can neither control a terminal nor hide in JSON, and that JSON stays what it was. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visible, visibleJson } from '../../../src/cli/terminal-text.ts';

const INVISIBLE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('visible', () => {
  it('puts a space for what steers or hides, and leaves the rest', () => {
    expect(visible('a\u001B[2Jb\u202Ec\u200Bd')).toBe('a [2Jb c d');
    expect(visible('/my  pictures/Grüße 狐 🦊.jpg\nnext')).toBe('/my  pictures/Grüße 狐 🦊.jpg\nnext');
  });
});

describe('visibleJson', () => {
  it('reads back as the same value, whatever stands in it, and shows nothing invisible', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.constant(null))), (value) => {
        const json = visibleJson(value);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(json).not.toMatch(INVISIBLE);
      }),
    );
  });

  it('escapes what JSON itself would leave, beyond the basic plane, too', () => {
    expect(visibleJson('\u202E\u009B\u{E0041}')).toBe('"\\u202e\\u009b\\udb40\\udc41"');
  });
});
