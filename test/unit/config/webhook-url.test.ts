/** Proves which addresses the service may be given for its events. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../../src/config/settings.ts';

const webhookUrlOf = (text: string): string | undefined => SETTINGS.webhookUrl.schema.safeParse(text).data;

describe('the URL of the webhook', () => {
  it('is its own normal form, and nothing without encryption or with a password, whatever it is given', () => {
    const texts = fc.oneof(fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.string());
    fc.assert(
      fc.property(texts, (text) => {
        const url = webhookUrlOf(text);
        if (url === undefined) return;
        expect(webhookUrlOf(url)).toBe(url);
        expect(url).toMatch(/^https:\/\/[^@#]+\/[^#]+$|^http:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?\/[^#]+$/u);
      }),
    );
  });

  it.each([
    ['https://hooks.example.org/doitong', 'https://hooks.example.org/doitong'],
    [' https://hooks.example.org/doi\ttong', 'https://hooks.example.org/doitong'],
    ['https:\\\\hooks.example.org\\doitong', 'https://hooks.example.org/doitong'],
    ['https://hooks.example.org/x@y', 'https://hooks.example.org/x@y'],
    ['https://hooks.example.org', undefined],
    ['https://me:word@hooks.example.org/doitong', undefined],
    ['https://hooks.example.org/doitong#x', undefined],
    ['http://hooks.example.org/doitong', undefined],
    ['javascript:alert(1)/x', undefined],
    ['', undefined],
  ])('reads %j', (text, url) => {
    expect(webhookUrlOf(text)).toBe(url);
  });

  it('ends at its limit', () => {
    const long = 'https://hooks.example.org/doitong'.padEnd(2_000, 'x');
    expect(webhookUrlOf(long)).toBe(long);
    expect(webhookUrlOf(`${long}x`)).toBeUndefined();
  });
});
