// Owns which packages count as bundled, and what stops a build.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bundledPackages, licenseTexts } from '../../../scripts/third-party-licenses.mjs';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flux-licences-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

function install(folder: string, version: string, { license = 'MIT', text = `Licence of ${folder}`, code = '' } = {}) {
  put(`${folder}/package.json`, JSON.stringify({ version, license }));
  put(`${folder}/index.js`, code);
  if (text !== '') put(`${folder}/LICENSE`, text);
}

const listed = async (inputs: readonly string[], assets: readonly string[] = []): Promise<string[]> => {
  const packages = await bundledPackages(root, inputs, assets);
  return packages.map(({ name, version, copiedInto = [] }) => [`${name} ${version}`, ...copiedInto].join(' < '));
};

it('lists each version of a package once, and packages of which only a file is copied', async () => {
  install('node_modules/b', '1.0.0');
  install('node_modules/a', '2.0.0');
  install('node_modules/a/node_modules/b', '0.9.0');
  install('node_modules/@scope/codec', '3.0.0');
  const inputs = ['src/main.ts', 'node_modules/b/index.js', 'node_modules/a/index.js'];
  expect(
    await listed([...inputs, 'node_modules/a/node_modules/b/index.js', ...inputs], ['@scope/codec/codec.wasm']),
  ).toEqual(['@scope/codec 3.0.0', 'a 2.0.0', 'b 0.9.0', 'b 1.0.0']);
});

it('lists what packages have copied into their own files, with all who did', async () => {
  const code = '//#region ../../node_modules/.pnpm/copied@1.2.3/node_modules/copied/index.js\n';
  install('node_modules/a', '1.0.0', { code });
  install('node_modules/b', '1.0.0', { code });
  install('node_modules/copied', '1.9.9');
  install('node_modules/psl', '1.15.0');
  install('node_modules/punycode', '2.3.1');
  const inputs = ['node_modules/a/index.js', 'node_modules/b/index.js', 'node_modules/psl/index.js'];
  expect(await listed(inputs)).toEqual([
    'a 1.0.0',
    'b 1.0.0',
    'copied 1.2.3 < a < b',
    'psl 1.15.0',
    'punycode 2.3.1 < psl',
  ]);
  const texts = licenseTexts(await bundledPackages(root, inputs, []));
  expect(texts).toContain('\n  copied 1.2.3 (MIT)\n');
  expect(texts).toMatch(/\ncopied 1\.2\.3 \(MIT\), as copied into a, b\n=+\n\nLicence of node_modules\/copied\n/);
});

it.each<[string, Parameters<typeof install>[2], string]>([
  ['a licence that is not allowed', { license: 'GPL-3.0-only' }, 'a 1.0.0 is under "GPL-3.0-only"'],
  ['no licence text', { text: '' }, 'a 1.0.0 comes without a licence file'],
  [
    'a copy of a package that is not there',
    { code: '//#region x/.pnpm/gone@1.0.0/node_modules/gone/index.js\n' },
    'a contains a copy of gone 1.0.0',
  ],
])('stops at a package with %s', async (_name, options, message) => {
  install('node_modules/a', '1.0.0', options);
  await expect(listed(['node_modules/a/index.js'])).rejects.toThrow(message);
});
