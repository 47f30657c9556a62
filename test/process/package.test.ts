/** What users download: the right files, nothing to install, nothing of the machine that built it. */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { PACKAGE_FILES } from '../../scripts/package-rules.ts';
import { CHECKOUT, unpackPackage } from '../support/packed-program.ts';

const run = promisify(execFile);
const packed = await unpackPackage();
afterAll(() => packed.close());

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((path) => path.split(sep).join('/'))
    .sort();
}

const files = await filesIn(packed.folder);
const readPacked = (file: string): Promise<string> => readFile(join(packed.folder, file), 'utf8');
const manifest = JSON.parse(await readPacked('package.json')) as Record<string, Record<string, string> | undefined>;

describe('the packed package', () => {
  it('holds the program, its licences and its readme, and nothing else', () => {
    expect(files.filter((file) => !PACKAGE_FILES.some((known) => known.test(file)))).toEqual([]);
    for (const known of PACKAGE_FILES) expect(files.filter((file) => known.test(file))).not.toEqual([]);
  });

  it('has nothing to install and runs nothing on the machine that installs it', () => {
    for (const list of ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundledDependencies']) {
      expect(Object.keys(manifest[list] ?? {}), list).toEqual([]);
    }
    for (const script of ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare']) {
      expect(manifest.scripts, script).not.toHaveProperty(script);
    }
    expect(files).not.toContain('binding.gyp');
  });

  it('imports nothing but Node itself and its own files', async () => {
    const { metafile } = await build({
      absWorkingDir: packed.folder,
      entryPoints: ['dist/main.js', 'dist/preview-worker.js'],
      bundle: true,
      write: false,
      metafile: true,
      splitting: true,
      outdir: 'unused',
      format: 'esm',
      platform: 'node',
      packages: 'external',
      logLevel: 'silent',
    });
    const foreign = Object.entries(metafile.inputs).flatMap(([file, { imports }]) =>
      imports.filter(({ path, external }) => external && !isBuiltin(path)).map(({ path }) => `${file}: ${path}`),
    );
    expect(foreign).toEqual([]);
    const scripts = files.filter((file) => file.endsWith('.js'));
    expect(Object.keys(metafile.inputs).sort()).toEqual(scripts);
  });

  it('lists the licences of what is bundled', async () => {
    const licences = await readPacked('dist/THIRD_PARTY_LICENSES.txt');
    for (const name of [
      '@modelcontextprotocol/server',
      'zod',
      'undici',
      'graphql',
      '@jsquash/jpeg',
      '@jsquash/png',
      '@jsquash/webp',
      '@jsquash/resize',
      'ipaddr.js',
      '@modelcontextprotocol/ext-apps',
    ]) {
      expect(licences).toMatch(new RegExp(`^ {2}${name} \\d+\\.\\d+\\.\\d+\\S* \\(\\S+\\)$`, 'm'));
      expect(licences).toMatch(new RegExp(`^={100}\n${name} .*\n={100}\n\n[^]{200}`, 'm'));
    }
  });

  it('contains no path of the machine that built it', async () => {
    const paths = [CHECKOUT, `${homedir()}${sep}`].filter((path) => path.length > 3);
    for (const file of files) {
      const bytes = await readFile(join(packed.folder, file), 'latin1');
      for (const path of paths) expect(bytes.includes(path), `${file} contains ${path}`).toBe(false);
      expect(bytes.includes('sourceMappingURL='), `${file} names a source map`).toBe(false);
    }
  });

  it('has a bin that can be executed as it is', async () => {
    expect(manifest.bin).toEqual({ 'flux-pro-mcp': 'dist/main.js' });
    expect((await stat(packed.main)).mode & 0o111).toBe(0o111);
    expect(await readPacked('dist/main.js')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const program = await packed.start(['--version'], { command: packed.main });
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(program.stdout()).toBe(`${manifest.version}\n`);
  });

  it('installs from the tarball alone and starts by its name, as npx does it', async () => {
    const home = await packed.newHome();
    const flags = ['--offline', '--no-audit', '--no-fund', '--no-update-notifier', '--silent'];
    await run('npm', ['install', ...flags, packed.tarball], { cwd: home.cwd, env: home.env });
    const installed = await readdir(join(home.cwd, 'node_modules'));
    expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['flux-pro-mcp']);
    const command = join(home.cwd, 'node_modules/.bin/flux-pro-mcp');
    const program = await packed.start(['--version'], { command, home });
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(program.stdout()).toBe(`${manifest.version}\n`);
    expect(program.stderr()).toBe('');
  });
});
