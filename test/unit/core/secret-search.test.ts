/** Proves that a secret is found in every encoding, wherever it stands and wherever a text is cut. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor, createSecretFinder } from '../../../src/core/redaction.ts';

/** Characters that are in no secret of these tests, and in no encoding of one. */
const FILLER = '·';
const REDACTED = '[redacted]';

const hex = (character: string, digits: number): string => character.charCodeAt(0).toString(16).padStart(digits, '0');
const each = (text: string, encode: (character: string) => string): string => [...text].map(encode).join('');
const percent = (text: string): string => each(text, (one) => `%${hex(one, 2)}`);

const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'in upper case': (text) => text.toUpperCase(),
  'in a URL': encodeURIComponent,
  'in a URL, in lower case': (text) => encodeURIComponent(text).toLowerCase(),
  'in a form': (text) => new URLSearchParams({ a: text }).toString().slice(2),
  'wholly in hexadecimal escapes of a URL': percent,
  'twice in a URL': (text) => encodeURIComponent(encodeURIComponent(text)),
  'twice, wholly': (text) => percent(percent(text)),
  'three times in a URL': (text) => percent(percent(percent(text))),
  'in JSON': (text) => JSON.stringify(text).slice(1, -1),
  'in JSON with escaped slashes': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'in JSON by numbers': (text) => each(text, (one) => `\\u${hex(one, 4)}`),
  'in JSON inside JSON': (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
  'in JSON by numbers, inside JSON': (text) => each(text, (one) => `\\\\u${hex(one, 4).toUpperCase()}`),
  'in JSON, in a URL': (text) => encodeURIComponent(JSON.stringify(text).slice(1, -1)),
  'in JSON by numbers, in a URL': (text) => percent(each(text, (one) => `\\u${hex(one, 4)}`)),
  'by hexadecimal escapes of a program': (text) => each(text, (one) => `\\x${hex(one, 2)}`),
  'in HTML': (text) =>
    each(text, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[one] ?? one),
  'in HTML by numbers': (text) => each(text, (one) => `&#${one.charCodeAt(0)};`),
  'in HTML by hexadecimal numbers': (text) => each(text, (one) => `&#X${hex(one, 4)};`),
  'in HTML inside HTML': (text) => each(text, (one) => `&amp;#${one.charCodeAt(0)};`),
  'in HTML, in a URL': (text) => encodeURIComponent(each(text, (one) => `&#${one.charCodeAt(0)};`)),
  'in hexadecimal digits': (text) => Buffer.from(text).toString('hex'),
};

const secrets = fc.stringMatching(/^[!-~]{8,40}$/u);

describe('a redactor', () => {
  it.each(Object.entries(ENCODINGS))('leaves nothing of a secret that is written %s', (_, encode) => {
    fc.assert(
      fc.property(secrets, fc.nat(20), fc.nat(20), (secret, before, after) => {
        const text = FILLER.repeat(before) + encode(secret) + FILLER.repeat(after);
        expect(createRedactor([secret])(text)).toBe(FILLER.repeat(before) + REDACTED + FILLER.repeat(after));
      }),
    );
  });

  it.each(Object.entries(ENCODINGS))('leaves nothing of it at a cut when it is written %s', (_, encode) => {
    fc.assert(
      fc.property(secrets, secrets, fc.nat(60), fc.nat(400), (secret, other, before, cut) => {
        const text = FILLER.repeat(before) + encode(secret) + FILLER + encode(other) + FILLER.repeat(9);
        const shown = createRedactor([secret, other])(text, cut);
        expect(shown).toMatch(new RegExp(`^(?:${FILLER}|\\[redacted\\])*$`, 'u'));
        expect(shown.replaceAll(REDACTED, '').length).toBeLessThanOrEqual(cut);
      }),
    );
  });

  it.each(['base64', 'base64url'] as const)('leaves nothing of it in %s, whatever stands around it', (encoding) => {
    const around = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
    fc.assert(
      fc.property(secrets, around, around, (secret, before, after) => {
        const text = Buffer.from(before + secret + after).toString(encoding);
        const clean = createRedactor([secret])(text);
        expect(clean).toContain(REDACTED);
        // At most a byte at each end follows from what is left, together with the text around it.
        const left = clean.split(REDACTED).map((part) => Buffer.from(part, encoding).toString('latin1'));
        const middle = secret.slice(2, -2);
        expect(left.some((part) => part.includes(middle))).toBe(false);
      }),
    );
  });

  it('removes the whole of a long credential of anyone, also at a cut', () => {
    const redact = createRedactor([]);
    const token = 'abc123'.repeat(50_000);
    expect(redact(`Authorization: Bearer ${token}`)).toBe(`Authorization: Bearer ${REDACTED}`);
    expect(redact(`Authorization: Bearer ${token}`, 100)).toBe(`Authorization: Bearer ${REDACTED}`);
    expect(redact(`api_key=${token}&a=1`)).toBe(`api_key=${REDACTED}&a=1`);
    expect(redact(`https://user:${token}@example.org/`)).toBe(`https://${REDACTED}@example.org/`);
    expect(redact('https://user:p@ss@example.org/x?y=a@b')).toBe(`https://${REDACTED}@example.org/x?y=a@b`);
    expect(redact(String.raw`{\"api_key\":\"abcdef123456\"}`)).toBe(String.raw`{\"api_key\":\"[redacted]\"}`);
  });

  it('finds a secret behind what could be the beginning of its encoding', () => {
    const redact = createRedactor(['25abcdef', 'u0041bcdef']);
    expect(redact('%2525abcdef')).not.toContain('abcdef');
    expect(redact('%25abcdef')).not.toContain('abcdef');
    expect(redact('\\u0041bcdef')).not.toContain('bcdef');
  });

  it('leaves no escape at the ends of a secret, be it that of a character that nobody sees', () => {
    const secret = '%00!!!"!!!%0A';
    for (const encode of Object.values(ENCODINGS)) expect(createRedactor([secret])(encode(secret))).toBe(REDACTED);
  });

  it('knows a secret outside ASCII', () => {
    const secret = 'Schlüssel-狐-🦊';
    const redact = createRedactor([secret]);
    for (const text of [secret, encodeURIComponent(secret), JSON.stringify(secret), '&#x53;chl&#252;ssel-狐-&#129418;'])
      expect(redact(text).replaceAll('"', '')).toBe(REDACTED);
  });
});

describe('a secret finder', () => {
  it('finds what the redactor removes, and nothing of anyone else', () => {
    const contains = createSecretFinder(['dt_live+7/Qx"=Z&9']);
    expect(contains(encodeURIComponent('a dt_live+7/Qx"=Z&9'))).toBe(true);
    expect(contains('Bearer abcdef123456')).toBe(false);
    expect(createSecretFinder([])('anything')).toBe(false);
  });
});
