/** Proves which result URLs may be fetched: a table of the ways in which one can lead elsewhere. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { allowedUrl } from '../../../src/images/download.ts';
import { wordsOf } from '../../support/words.ts';

const HOSTS = ['cdn.doitong.com'];
const API = 'https://api.doitong.com';

type Judged = { ok: true; url: URL; isOwn: boolean } | { ok: false; reason: string; hostRefused: boolean };

function judge(url: string, hosts: readonly string[] = HOSTS, api = API): Judged {
  try {
    return { ok: true, ...allowedUrl(url, hosts, api) };
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    expect(error.failure).toMatchObject({ kind: 'download_failed', creditsSpent: 'yes', retry: 'no' });
    const { what, next } = wordsOf(error);
    return { ok: false, reason: what, hostRefused: next.includes('DOITONG_DOWNLOAD_HOSTS') };
  }
}

describe('a result URL', () => {
  it.each([
    'https://cdn.doitong.com/outputs/1.jpg',
    'https://cdn.doitong.com:443/1.jpg?sig=abc#x',
    'https://CDN.Doitong.COM/1.jpg',
    'https://api.doitong.com/outputs/1.jpg',
    'https://eu.cdn.doitong.com/1.jpg',
  ])('may be fetched: %s', (url) => {
    const decision = judge(url);
    expect(decision.ok && decision.url.href).toBe(new URL(url).href);
  });

  it.each([
    'https://example.org/1.jpg',
    'https://cdn.doitong.com.evil.com/1.jpg',
    'https://evilcdn.doitong.com/1.jpg',
    'https://xcdn.doitong.com/1.jpg',
    'https://doitong.com/1.jpg',
    'https://cdn.doitong.com./1.jpg',
    'https://cdn-doitong.com/1.jpg',
    'https://cdn.doitong.com%2eevil.com/1.jpg',
    'https://cdn.doıtong.com/1.jpg',
    'https://evil.com/cdn.doitong.com/1.jpg',
    'https://evil.com\\@cdn.doitong.com/1.jpg',
    'https://127.0.0.1/1.jpg',
    'https://0x7f.1/1.jpg',
    'https://2130706433/1.jpg',
    'https://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/1.jpg',
    'https://[::1]/1.jpg',
    'https://[fd00::1]/1.jpg',
    'https://localhost/1.jpg',
    'https://x.api.doitong.com/1.jpg',
  ])('on a host that is not listed is refused for its host: %s', (url) => {
    const decision = judge(url);
    expect(decision).toMatchObject({ ok: false, hostRefused: true });
    expect(!decision.ok && decision.reason).toContain(`"${new URL(url).hostname}"`);
  });

  it.each([
    ['http://cdn.doitong.com/1.jpg', 'is not an https address'],
    ['http://api.doitong.com/1.jpg', 'is not an https address'],
    ['http://127.0.0.1:8080/1.jpg', 'is not an https address'],
    ['ftp://cdn.doitong.com/1.jpg', 'is not an https address'],
    ['file:///etc/passwd', 'is not an https address'],
    ['data:image/jpeg;base64,/9j/', 'is not an https address'],
    ['javascript:alert(1)', 'is not an https address'],
    ['https://cdn.doitong.com:8443/1.jpg', 'names port 8443'],
    ['https://api.doitong.com:22/1.jpg', 'names port 22'],
    ['https://me@cdn.doitong.com/1.jpg', 'a user name or password'],
    ['https://me:secret@cdn.doitong.com/1.jpg', 'a user name or password'],
    ['https://cdn.doitong.com@evil.com/1.jpg', 'a user name or password'],
    ['/outputs/1.jpg', 'is not a URL'],
    ['cdn.doitong.com/1.jpg', 'is not a URL'],
    ['', 'is not a URL'],
  ])('is refused for more than its host: %s %s', (url, reason) => {
    const decision = judge(url);
    expect(decision).toMatchObject({ ok: false, hostRefused: false });
    expect(!decision.ok && decision.reason).toContain(reason);
  });

  it('does not show the user information that it was refused for', () => {
    expect(JSON.stringify(judge('https://me:hunter22@cdn.doitong.com/1.jpg'))).not.toContain('hunter22');
  });
});

describe('plain http on this machine', () => {
  const sandbox = 'http://127.0.0.1:4000';

  it("is fetched from the API's own origin only", () => {
    expect(judge(`${sandbox}/outputs/1.jpg`, [], sandbox).ok).toBe(true);
    for (const url of [
      'http://127.0.0.1:4001/1.jpg',
      'http://127.0.0.2:4000/1.jpg',
      'http://localhost:4000/1.jpg',
      'https://127.0.0.1:4000/1.jpg',
    ]) {
      expect(judge(url, [], sandbox).ok).toBe(false);
    }
  });

  it('does not become reachable because it is listed', () => {
    expect(judge('http://127.0.0.1/1.jpg', ['127.0.0.1', 'localhost']).ok).toBe(false);
    expect(judge('http://localhost/1.jpg', ['127.0.0.1', 'localhost']).ok).toBe(false);
  });

  it('is not fetched from an API elsewhere, whatever the configuration let through', () => {
    expect(judge('http://api.example.org/1.jpg', [], 'http://api.example.org').ok).toBe(false);
  });
});

describe('whatever the text', () => {
  it('what may be fetched is https on the default port, from a listed host, without user information', () => {
    const urls = fc.oneof(fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(urls, fc.constantFrom('', 'https://', 'https://cdn.doitong.com', '//'), (text, before) => {
        const decision = judge(`${before}${text}`);
        if (!decision.ok) return;
        expect(['https://cdn.doitong.com', API]).toContain(decision.url.origin);
        expect([decision.url.username, decision.url.password]).toEqual(['', '']);
      }),
    );
  });
});
