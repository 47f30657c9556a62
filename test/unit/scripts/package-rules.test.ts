// Owns the rules of the published package: each of them is broken here once.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Packed, packageProblems } from '../../../scripts/package-rules.ts';

const BUDGET = { packedBytes: 1000, installedBytes: 2000 };
const PATHS = [
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'dist/main.js',
  'dist/program.js',
  'dist/preview-worker.js',
  'dist/chunk-2CFAR3NH.js',
  'dist/mozjpeg_enc.wasm',
  'dist/mozjpeg_dec.wasm',
  'dist/webp_dec.wasm',
  'dist/squoosh_png_bg.wasm',
  'dist/squoosh_resize_bg.wasm',
  'dist/viewer.html',
  'dist/THIRD_PARTY_LICENSES.txt',
  'dist/sbom.json',
];

function packed(change: Partial<Packed> & { paths?: readonly string[] } = {}): Packed {
  const { paths = PATHS, ...more } = change;
  const files = paths.map((path) => ({ path, bytes: 100 }));
  return { files, packedBytes: 1000, manifest: { scripts: { test: 'vitest' } }, ...more };
}

describe('the rules of the package', () => {
  it('find nothing wrong with a package as it should be', () => {
    expect(packageProblems(packed(), BUDGET)).toEqual([]);
  });

  it.each(['dist/main.js.map', '.env', 'src/main.ts', 'dist/notes.txt', 'dist/Chunk.js', 'docs/dist/main.js'])(
    'name %s, which is not expected',
    (path) => {
      const problems = packageProblems(packed({ paths: [...PATHS, path] }), BUDGET);
      expect(problems).toEqual([`${path} is in the package and not in PACKAGE_FILES (scripts/package-rules.ts)`]);
    },
  );

  it.each(PATHS)('notice that %s is missing', (path) => {
    const problems = packageProblems(packed({ paths: PATHS.filter((other) => other !== path) }), BUDGET);
    expect(problems).toEqual([expect.stringMatching(/^no file of the package fits /)]);
  });

  it.each([
    ['dependencies', { zod: '4' }],
    ['optionalDependencies', { zod: '4' }],
    ['peerDependencies', { zod: '4' }],
    ['bundleDependencies', ['zod']],
    ['bundledDependencies', ['zod']],
  ])('refuse %s', (list, value) => {
    const problems = packageProblems(packed({ manifest: { [list]: value } }), BUDGET);
    expect(problems).toEqual([expect.stringContaining(`package.json has ${list}`)]);
  });

  it.each(['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'])(
    'refuse the script %s',
    (name) => {
      const problems = packageProblems(packed({ manifest: { scripts: { [name]: 'true' } } }), BUDGET);
      expect(problems).toEqual([expect.stringContaining(`the script ${name},`)]);
    },
  );

  it('hold both sizes to the budget, to the byte', () => {
    expect(packageProblems(packed({ packedBytes: 1001 }), BUDGET)).toEqual([
      'the package has 1001 bytes packed; scripts/package-budget.json allows 1000',
    ]);
    const files = PATHS.map((path) => ({ path, bytes: path === 'LICENSE' ? 501 : 100 }));
    expect(packageProblems(packed({ files }), BUDGET)).toEqual([
      'the package has 2001 bytes installed; scripts/package-budget.json allows 2000',
    ]);
  });

  it('keep to the budget that was agreed on', () => {
    const budget = JSON.parse(readFileSync('scripts/package-budget.json', 'utf8'));
    expect(budget.packedBytes).toBeLessThanOrEqual(1_200_000);
    expect(budget.installedBytes).toBeLessThanOrEqual(3_500_000);
    expect(budget.rule).toContain('Only a person may raise');
  });
});
