// Owns what must agree in a release, each rule broken once, and that the files of today keep to it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  addressProblems,
  changelogProblems,
  type ReleaseFiles,
  releaseProblems,
} from '../../../scripts/release-rules.ts';

const CHANGELOG = `# Changelog

## [Unreleased]

## [1.10.0] - 2026-11-28

### Added

- A tool.

## [1.9.0] - 2026-10-01

### Fixed

- A fault.
`;
const MANIFEST = {
  version: '1.10.0',
  mcpName: 'io.github.owner/name',
  repository: { url: 'git+https://github.com/owner/name.git' },
  bugs: { url: 'https://github.com/owner/name/issues' },
  homepage: 'https://github.com/owner/name#readme',
};
const FILES: ReleaseFiles = {
  manifest: MANIFEST,
  lock: { version: '1.10.0', packages: { '': { version: '1.10.0' } } },
  changelog: CHANGELOG,
  security: '[Report](https://github.com/owner/name/security/advisories/new)',
};
const manifestWith = (change: Partial<typeof MANIFEST>) => ({ ...FILES, manifest: { ...MANIFEST, ...change } });
const changelogWith = (from: string, to: string) => ({ ...FILES, changelog: CHANGELOG.replace(from, to) });

describe('a release', () => {
  it('has no problems when tag, versions, changelog and addresses agree', () => {
    expect(releaseProblems('v1.10.0', FILES)).toEqual([]);
  });

  it.each(['v1.10.1', '1.10.0', 'v1.10.0-rc.1', 'v1.10'])('is not made under the tag %s', (tag) => {
    expect(releaseProblems(tag, FILES)).toEqual([`the tag is ${tag}, and package.json has version 1.10.0`]);
  });

  it.each<[string, ReleaseFiles, string]>([
    ['an old lockfile', { ...FILES, lock: { ...FILES.lock, version: '1.9.0' } }, 'package-lock.json has version 1.9.0'],
    ['half a lockfile', { ...FILES, lock: { version: '1.10.0', packages: {} } }, 'package-lock.json has version undef'],
    ['no section', changelogWith('## [1.10.0] - 2026-11-28\n', ''), 'has no section "## [1.10.0] - YYYY-MM-DD"'],
    ['an empty section', changelogWith('- A tool.', ''), 'says nothing about 1.10.0'],
    ['no Unreleased', changelogWith('## [Unreleased]\n', ''), 'does not begin with "## [Unreleased]"'],
    ['no date', changelogWith('[1.9.0] - 2026-10-01', '[1.9.0]'), '"## [1.9.0]" is not "## [1.2.3] - YYYY-MM-DD"'],
    ['the wrong order', changelogWith('[1.9.0]', '[1.11.0]'), 'does not have the newest version first'],
    ['a kind of its own', changelogWith('### Fixed', '### Misc'), '"### Misc" is not one of Added,'],
    ['another tracker', manifestWith({ bugs: { url: 'https://example.com' } }), 'bugs.url is not https://github.com'],
    ['another homepage', manifestWith({ homepage: 'https://example.com' }), 'homepage is not https://github.com/owner'],
    ['another registry name', manifestWith({ mcpName: 'io.github.other/name' }), 'mcpName does not begin with'],
    ['another forge', manifestWith({ repository: { url: 'https://example.com/a.git' } }), 'repository.url is not git+'],
    ['no form for reports', { ...FILES, security: 'Write to us.' }, 'SECURITY.md does not name https://github.com'],
  ])('is not made with %s', (_name, files, problem) => {
    expect(releaseProblems('v1.10.0', files)).toEqual([expect.stringContaining(problem)]);
  });

  it('could be made from the files as they are, but for the version', () => {
    const read = (file: string): string => readFileSync(file, 'utf8');
    const manifest = JSON.parse(read('package.json')) as ReleaseFiles['manifest'];
    expect(changelogProblems(read('CHANGELOG.md'))).toEqual([]);
    expect(addressProblems(manifest, read('SECURITY.md'))).toEqual([]);
  });
});

describe('the release workflow', () => {
  const workflow = readFileSync('.github/workflows/release.yml', 'utf8');
  const [, check = '', publish = ''] = workflow.split(/^ {2}(?:check|publish):\n/m);

  it('runs for version tags alone, after all checks', () => {
    expect(workflow).toContain("on:\n  push:\n    tags: ['v[0-9]+.[0-9]+.[0-9]+']\n");
    expect(check).toContain('run: bash .ci/run\n');
    expect(check).toContain('run: npm run check:release -- "$GITHUB_REF_NAME"\n');
    expect(publish).toContain('needs: check\n');
  });

  it('gives the right to publish to the one job that runs no code of dependencies, and keeps no token', () => {
    expect(workflow).toContain('\npermissions: {}\n');
    expect(check).not.toContain('write');
    expect(publish.match(/^ *\S+: write$/gm)).toEqual(['      id-token: write']);
    expect(publish).not.toMatch(/npm (?:ci|install|run|exec)|npx|checkout/);
    expect(publish).toContain('npm publish --provenance --access public --ignore-scripts ');
    expect(workflow).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
  });

  it('names every action by its full commit, with the version next to it', () => {
    const used = workflow.match(/^ *(?:- )?uses: .*$/gm) ?? [];
    expect(used).toHaveLength(4);
    for (const line of used) expect(line).toMatch(/uses: actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('puts nothing from outside into a command line', () => {
    expect(workflow).not.toContain('$' + '{{');
  });
});
