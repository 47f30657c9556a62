/** Proves which connections go through a proxy. */
import { describe, expect, it } from 'vitest';
import { proxyAddressOf, proxySecrets, shownProxy } from '../../../src/core/proxy.ts';
import { proxyRoute } from '../../../src/network/connector.ts';

const httpsProxy = proxyAddressOf('http://clerk:secret-word@proxy.corp:3128');
const httpProxy = proxyAddressOf('http://other.corp:8080');
const route = (url: string, noProxy?: string) => proxyRoute(new URL(url), { httpsProxy, noProxy });

describe('a proxy', () => {
  it('is taken for the service, and shown without user and password', () => {
    expect(route('https://api.doitong.com')).toMatchObject({ shown: 'http://proxy.corp:3128', setting: 'HTTPS_PROXY' });
  });

  it('is HTTP_PROXY where HTTPS_PROXY is not set', () => {
    const target = new URL('https://api.doitong.com');
    expect(proxyRoute(target, { httpProxy })?.setting).toBe('HTTP_PROXY');
    expect(proxyRoute(target, { httpProxy, httpsProxy })?.setting).toBe('HTTPS_PROXY');
    expect(proxyRoute(target, {})).toBeUndefined();
  });

  it.each([
    'https://localhost',
    'https://localhost.',
    'https://LOCALHOST:8443',
    'https://api.localhost',
    'https://127.0.0.1:8443',
    'https://127.8.9.10',
    'https://2130706433',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://0.0.0.0',
    'http://127.0.0.1:4000',
  ])('is never asked for %s', (url) => {
    expect(route(url)).toBeUndefined();
  });

  it.each([
    ['https://api.doitong.com', '*'],
    ['https://api.doitong.com', 'localhost,api.doitong.com'],
    ['https://api.doitong.com', 'doitong.com'],
    ['https://api.doitong.com', '.doitong.com'],
    ['https://api.doitong.com', '*.doitong.com'],
    ['https://api.doitong.com', ' a.test ,\tAPI.Doitong.COM. '],
    ['https://api.doitong.com', 'a.test api.doitong.com'],
    ['https://api.doitong.com', 'api.doitong.com:443'],
    ['https://api.doitong.com:8443', '.doitong.com:8443'],
    ['https://10.1.2.3', '10.1.2.3'],
    ['https://10.1.2.3', '10.0.0.0/8'],
    ['https://[::ffff:10.1.2.3]', '10.0.0.0/8'],
    ['https://[2001:db8::1]', '2001:db8::/32'],
    ['https://[2001:db8::1]', '[2001:DB8:0::1]'],
    ['https://[2001:db8::1]:8443', '[2001:db8::1]:8443'],
  ])('is not asked for %s with NO_PROXY %s', (url, noProxy) => {
    expect(route(url, noProxy)).toBeUndefined();
  });

  it.each([
    ['https://api.doitong.com', ''],
    ['https://api.doitong.com', ' , '],
    ['https://api.doitong.com', 'itong.com'],
    ['https://api.doitong.com', 'api.doitong.com:8443'],
    ['https://api.doitong.com', 'cdn.doitong.com'],
    ['https://api.doitong.com', '10.0.0.0/8'],
    ['https://10.1.2.3', '11.0.0.0/8'],
    ['https://10.1.2.3', '10.0.0.0/99'],
    ['https://10.1.2.3', '1.2.3'],
    ['https://doitong.com.evil.test', 'doitong.com'],
  ])('is asked for %s with NO_PROXY %s', (url, noProxy) => {
    expect(route(url, noProxy)).toBeDefined();
  });

  it('has a password that is a secret, alone and with its user', () => {
    expect(proxySecrets({ httpsProxy, httpProxy })).toEqual(['secret-word', 'clerk:secret-word']);
    expect(httpsProxy && shownProxy(httpsProxy)).not.toContain('clerk');
  });
});
