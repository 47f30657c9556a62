/** Proves which host names mean this machine. */
import { describe, expect, it } from 'vitest';
import { isLoopbackHost } from '../../../src/core/untrusted-text.ts';

const hostOf = (url: string): string => new URL(url).hostname;

describe('isLoopbackHost', () => {
  it.each(['http://localhost:1', 'http://127.0.0.1', 'http://127.9.8.7', 'http://[::1]:80', 'http://2130706433'])(
    'takes %s',
    (url) => {
      expect(isLoopbackHost(hostOf(url))).toBe(true);
    },
  );

  it.each([
    'http://localhost.evil.com',
    'http://127.0.0.1.evil.com',
    'http://evil-localhost',
    'http://128.0.0.1',
    'http://[::2]',
    'http://0.0.0.0',
    'http://10.0.0.1',
  ])('does not take %s', (url) => {
    expect(isLoopbackHost(hostOf(url))).toBe(false);
  });
});
