// Owns how the SBOM is made from the bundler's list. Whether the packed one is valid: test/process/sbom.test.ts.
import { describe, expect, it } from 'vitest';
import { type BundledPackage, sbom } from '../../../scripts/sbom.mjs';

const DIGEST = Buffer.from('0123456789abcdef'.repeat(8), 'hex');
const INTEGRITY = `sha512-${DIGEST.toString('base64')}`;
const MANIFEST = {
  name: 'own',
  version: '1.0.0',
  license: 'MIT',
  description: 'A program.',
  repository: { url: 'git+https://example.com/own.git' },
  bugs: { url: 'https://example.com/own/issues' },
  homepage: 'https://example.com/own',
};
const ONE: BundledPackage = { name: 'one', version: '1.2.3', license: 'MIT', folder: 'node_modules/one' };
const SCOPED: BundledPackage = {
  name: '@scope/two',
  version: '2.0.0',
  license: 'ISC',
  folder: 'node_modules/@scope/two',
};
const OLD_ONE: BundledPackage = { ...ONE, version: '0.9.0', folder: 'node_modules/@scope/two/node_modules/one' };
const COPY: BundledPackage = { name: 'three', version: '3.0.0', license: 'MIT', copiedInto: new Set(['one']) };

const LOCK = {
  packages: {
    'node_modules/one': { version: '1.2.3', integrity: INTEGRITY },
    'node_modules/@scope/two': { version: '2.0.1', integrity: INTEGRITY },
    'node_modules/three': { version: '3.0.0', integrity: INTEGRITY },
  },
};
const METAFILE = {
  inputs: {
    'src/main.ts': { imports: [{ path: 'src/other.ts' }, { path: 'node_modules/@scope/two/index.js' }] },
    'src/other.ts': { imports: [{ path: 'node:fs' }, { path: 'node_modules/left-out/index.js' }] },
    'node_modules/@scope/two/index.js': {
      imports: [{ path: 'node_modules/@scope/two/more.js' }, { path: 'node_modules/@scope/two/node_modules/one/a.js' }],
    },
    'node_modules/left-out/index.js': { imports: [{ path: 'node_modules/one/index.js' }] },
  },
};

function made(change: { epoch?: string; packages?: readonly BundledPackage[] } = {}) {
  return sbom({
    manifest: MANIFEST,
    packages: [ONE, OLD_ONE, SCOPED, COPY],
    metafiles: [METAFILE, { inputs: { 'src/viewer.ts': { imports: [{ path: 'node_modules/one/index.js' }] } } }],
    lock: LOCK,
    ...change,
  });
}

describe('the SBOM', () => {
  it('is the same for the same inputs, without a serial number or a time', () => {
    const text = JSON.stringify(made());
    expect(JSON.stringify(made())).toBe(text);
    expect(text).not.toContain('serialNumber');
    expect(text).not.toContain('timestamp');
  });

  it('has the time that SOURCE_DATE_EPOCH sets, and refuses one that is no number', () => {
    expect(made({ epoch: '1700000000' }).metadata.timestamp).toBe('2023-11-14T22:13:20.000Z');
    expect(made({ epoch: '' }).metadata).not.toHaveProperty('timestamp');
    for (const epoch of ['yesterday', '-1', '1.5', ' 1']) expect(() => made({ epoch })).toThrow(/SOURCE_DATE_EPOCH/);
  });

  it('names each version of a package, with its scope as group and an address of its own', () => {
    expect(made().components.map(({ group, name, version, purl }) => ({ group, name, version, purl }))).toEqual([
      { group: undefined, name: 'one', version: '1.2.3', purl: 'pkg:npm/one@1.2.3' },
      { group: undefined, name: 'one', version: '0.9.0', purl: 'pkg:npm/one@0.9.0' },
      { group: '@scope', name: 'two', version: '2.0.0', purl: 'pkg:npm/%40scope/two@2.0.0' },
      { group: undefined, name: 'three', version: '3.0.0', purl: 'pkg:npm/three@3.0.0' },
    ]);
  });

  it('has the hash from the lockfile, and none where the lockfile has another version or the code is a copy', () => {
    const [one, oldOne, scoped, copy] = made().components;
    expect(one?.hashes).toEqual([{ alg: 'SHA-512', content: DIGEST.toString('hex') }]);
    for (const component of [oldOne, scoped, copy]) expect(component).not.toHaveProperty('hashes');
    expect(copy?.properties).toEqual([{ name: 'flux-pro-mcp:copied-into', value: 'one' }]);
  });

  it('tells who needs whom, by the imports that the bundler has resolved', () => {
    expect(made().dependencies).toEqual([
      { ref: 'pkg:npm/own@1.0.0', dependsOn: ['pkg:npm/%40scope/two@2.0.0', 'pkg:npm/one@1.2.3'] },
      { ref: 'pkg:npm/one@1.2.3', dependsOn: ['pkg:npm/three@3.0.0'] },
      { ref: 'pkg:npm/one@0.9.0', dependsOn: ['pkg:npm/three@3.0.0'] },
      { ref: 'pkg:npm/%40scope/two@2.0.0', dependsOn: ['pkg:npm/one@0.9.0'] },
      { ref: 'pkg:npm/three@3.0.0' },
    ]);
  });
});
