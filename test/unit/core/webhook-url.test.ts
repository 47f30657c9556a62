/** Proves which addresses the service may be given, and which of them count as the one that is listened to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leadsTo, WEBHOOK_URL_MAX_CHARACTERS, webhookUrlOf } from '../../../src/core/webhook.ts';

const URL_SET = 'https://hooks.example.org/doitong';

describe('webhookUrlOf', () => {
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
    const long = URL_SET.padEnd(WEBHOOK_URL_MAX_CHARACTERS, 'x');
    expect(webhookUrlOf(long)).toBe(long);
    expect(webhookUrlOf(`${long}x`)).toBeUndefined();
  });
});

describe('leadsTo', () => {
  it.each([
    [URL_SET, true],
    [`${URL_SET}?job=7`, true],
    ['https://hooks.example.org:443/doitong', true],
    ['https://hooks.example.org/other', false],
    ['https://hooks.example.org/doitong/', false],
    ['https://hooks.example.org:8443/doitong', false],
    ['http://hooks.example.org/doitong', false],
    ['of a damaged record', false],
    [undefined, false],
  ])('%j', (url, decision) => {
    expect(leadsTo(URL_SET, url)).toBe(decision);
    expect(leadsTo(undefined, url)).toBe(false);
  });
});
