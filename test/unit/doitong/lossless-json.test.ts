/** Proves that no number of an answer loses a digit, and that nothing else of it changes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonLosslessly } from '../../../src/doitong/lossless-json.ts';

describe('a JSON text', () => {
  it('is read like JSON.parse where no number loses anything', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        // What fast-check writes are doubles: of those, whole ones above 2^53 come as text.
        const isPlain = (value: unknown): boolean =>
          typeof value === 'number'
            ? !Number.isInteger(value) || Number.isSafeInteger(value)
            : typeof value !== 'object' || value === null || Object.values(value).every(isPlain);
        const value: unknown = JSON.parse(text);
        if (isPlain(value)) expect(parseJsonLosslessly(text)).toEqual(value);
      }),
    );
  });

  it('keeps every digit of a whole number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 150n), max: 10n ** 150n }), fc.nat(20), (digits, zeros) => {
        const [plain, scaled] = parseJsonLosslessly(`[${digits}, ${digits}e${zeros}]`) as unknown[];
        expect(String(plain)).toBe(String(digits));
        expect(String(scaled)).toBe(String(digits * 10n ** BigInt(zeros)));
      }),
    );
  });

  it.each([
    ['{"a":"1e400 \\" 12345678901234567890","b":1e400}', { a: '1e400 " 12345678901234567890', b: '1e400' }],
    ['{"12345678901234567890":0.1234567890123456789}', { '12345678901234567890': '0.1234567890123456789' }],
    ['[1.0,-0,12.50,1e3,0.1e1]', [1, -0, 12.5, 1_000, 1]],
    ['"\\\\"', '\\'],
  ])('%s is read as it should be', (text, value) => {
    expect(parseJsonLosslessly(text)).toEqual(value);
  });

  it.each(['', '{', '01', '1.', '{"a":12345678901234567890', '"\\"'.repeat(1_000)])(
    'that is none is refused',
    (text) => {
      expect(() => parseJsonLosslessly(text)).toThrow(SyntaxError);
    },
  );

  it('may hold a string of many megabytes', () => {
    const long = 'x\\n'.repeat(3_000_000);
    expect(parseJsonLosslessly(`["${long}",9007199254740993]`)).toHaveProperty('1', '9007199254740993');
  });
});
