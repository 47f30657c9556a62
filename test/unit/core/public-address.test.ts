/** Proves which addresses count as public, and that a connection goes only to addresses that were checked. */
import type { LookupAddress } from 'node:dns';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { isLoopbackAddress, isPublicAddress } from '../../../src/core/untrusted-text.ts';
import { checkedLookup } from '../../../src/images/download.ts';
import type { Resolve } from '../../../src/network/connector.ts';
import { wordsOf } from '../../support/words.ts';

const INSIDE = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.0.9', '169.254.169.254', '172.16.0.1'],
  ...['172.31.255.255', '192.0.0.8', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1'],
  ...['224.0.0.1', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '64:ff9b::7f00:1'],
  ...[
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2002:808:808::',
    '2001::1',
    'fe80::1',
    'fe80::1%eth0',
  ],
  ...['fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001:db8::1', '3fff::1', '100::1', '5f00::1', '4000::1'],
];
const OUTSIDE = ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'];

it.each(INSIDE)('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

it.each(OUTSIDE)('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
  expect(isLoopbackAddress(address)).toBe(false);
});

it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'])('%s is this machine', (address) => {
  expect(isLoopbackAddress(address)).toBe(true);
});

it.each(['', 'localhost', '999.1.1.1', '::g', 'cdn.doitong.com'])('%j is no address', (text) => {
  expect(isPublicAddress(text)).toBe(false);
  expect(isLoopbackAddress(text)).toBe(false);
});

it('whatever lies in a private range is refused in each of its notations', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const inside = fc.oneof(
    fc.tuple(fc.constantFrom(10, 127, 0), byte, byte, byte),
    fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
    fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
  );
  fc.assert(
    fc.property(inside, ([a, b, c, d]) => {
      const hex = [(a << 8) | b, (c << 8) | d].map((part) => part.toString(16)).join(':');
      for (const text of [`${a}.${b}.${c}.${d}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`, `::${hex}`])
        expect(isPublicAddress(text)).toBe(false);
    }),
  );
});

describe('a lookup', () => {
  const ask = (resolve: Resolve): Promise<unknown> =>
    checkedLookup(isPublicAddress, resolve)('cdn.doitong.com').catch((error: unknown) => error);
  const answering =
    (...found: LookupAddress[]): Resolve =>
    async () =>
      found;

  it('hands on the very addresses that were checked', async () => {
    const found = [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ];
    expect(await ask(answering(...found))).toEqual(found);
  });

  it('refuses a host with a single address inside, wherever it stands', async () => {
    const [outside, inside] = [
      { address: '8.8.8.8', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ];
    for (const found of [[inside], [outside, inside], [inside, outside]]) {
      const error = await ask(answering(...found));
      expect(error).toBeInstanceOf(FluxError);
      expect(wordsOf(error).what).toContain('has the address 10.0.0.1');
    }
  });

  it('refuses a host without an address', async () => {
    expect(await ask(answering())).toBeInstanceOf(FluxError);
  });

  it('looks the name up for each connection: an answer that changes is checked again', async () => {
    const answers = ['8.8.8.8', '127.0.0.1'];
    const resolve: Resolve = async () => [{ address: answers.shift() ?? '', family: 4 }];
    expect(await ask(resolve)).toEqual([{ address: '8.8.8.8', family: 4 }]);
    expect(await ask(resolve)).toBeInstanceOf(FluxError);
  });

  it('passes on why a name cannot be found', async () => {
    const gone = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    expect(await ask(() => Promise.reject(gone))).toBe(gone);
  });
});
