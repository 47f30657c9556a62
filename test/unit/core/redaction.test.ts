/** Proves that a secret passes the redactor in no encoding, and that ordinary text does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/core/redaction.ts';

const KEY = 'dt_live+7/Qx"=Z&9';

describe('createRedactor', () => {
  const redact = createRedactor([KEY]);

  it.each([
    ['as it is', KEY],
    ['in a URL', encodeURIComponent(KEY)],
    ['in JSON', JSON.stringify({ k: KEY })],
    ['in Base64', Buffer.from(KEY).toString('base64')],
    ['in lines of Base64', Buffer.from(KEY).toString('base64').replace(/.{7}/gu, '$&\r\n')],
    ['in full-width characters', [...KEY].map((one) => String.fromCharCode(one.charCodeAt(0) + 0xfee0)).join('')],
    ['with zero-width spaces in it', [...KEY].join('\u200b')],
    ['with a soft hyphen in it', `${KEY.slice(0, 6)}\u00ad${KEY.slice(6)}`],
    ['with control characters in it', [...KEY].join('\0')],
  ])('removes the secret %s', (_, written) => {
    const clean = redact(`before ${written} after`);
    expect(clean).toContain('[redacted]');
    expect(clean).not.toContain(KEY);
    expect(clean).toMatch(/^before .* after$/u);
    expect(clean.length).toBeLessThan(40);
  });

  it('removes what looks like a credential of anyone', () => {
    const plain = createRedactor([]);
    expect(plain('Authorization: Bearer abcdef123456')).toBe('Authorization: Bearer [redacted]');
    expect(plain('x-api-key: abcdef123456')).toBe('x-api-key: [redacted]');
    expect(plain('{"api_key":"abcdef123456"}')).toBe('{"api_key":"[redacted]"}');
    expect(plain('https://user:pass@example.org/x')).toBe('https://[redacted]@example.org/x');
  });

  it('leaves ordinary text alone, with a secret too short to be one as well', () => {
    const text = 'The bearer of a key walks at noon: api design, 3 @ 4.';
    expect(redact(text)).toBe(text);
    expect(createRedactor(['at', ''])(text)).toBe(text);
  });

  it('never lets a secret through, wherever it stands', () => {
    const secrets = fc.stringMatching(/^[A-Za-z0-9_]{8,40}$/u);
    fc.assert(
      fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
        const clean = createRedactor([secret])(`${before}${secret}${after}`);
        // "[redacted]" is made of letters, too: what is left of the secret may only be part of it.
        expect(clean.replaceAll('[redacted]', '')).not.toContain(secret);
      }),
    );
  });
});
