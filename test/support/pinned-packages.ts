/** Packages of an outside test suite, with a lockfile of their own: installed from the registry when they are needed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Installs what the folder's lockfile pins, once for each state of it.
 * @returns path of the Node 24 that is among them, or of a newer one
 */
export async function installPinned(folder: string): Promise<string> {
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  const marker = join(folder, 'node_modules/.installed');
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== lock) {
    console.log('installing what the lockfile pins; this takes some minutes');
    // Scripts of packages are not run: some fetch what is not in the registry, and nothing here needs them.
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { status } = spawnSync('npm', args, { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' });
    if (status !== 0) throw new Error(`npm ci in ${folder} ended with exit code ${status}`);
    writeFileSync(marker, lock);
  }
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const node = join(folder, `node_modules/node-${system}-${process.arch}/bin/node`);
  if (existsSync(node)) return node;
  // Not every platform has a package; there the Node that runs this must do.
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath;
  throw new Error(
    `there is no package with Node 24 for ${process.platform} ${process.arch}: run this on Node 24 or newer`,
  );
}
