/** Installs the pinned clients, once for each state of the lockfile, and finds the Node that they run on. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;

/** @returns path of Node 24 */
export async function installClients(): Promise<string> {
  const lock = createHash('sha256')
    .update(readFileSync(join(HERE, 'package-lock.json')))
    .digest('hex');
  const marker = join(HERE, 'node_modules/.installed');
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== lock) {
    console.log('installing the clients; this takes some minutes');
    // Scripts of packages are not run: some fetch what is not in the registry, and nothing here needs them.
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { status } = spawnSync('npm', args, { cwd: HERE, stdio: 'inherit', shell: process.platform === 'win32' });
    if (status !== 0) throw new Error(`npm ci in test/hosts ended with exit code ${status}`);
    writeFileSync(marker, lock);
  }
  const node = join(
    HERE,
    `node_modules/node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}/bin/node`,
  );
  if (!existsSync(node)) throw new Error(`there is no package with Node 24 for ${process.platform} ${process.arch}`);
  return node;
}

export function versionOf(client: string, name: string): string {
  const folder = [join(HERE, 'clients', client, 'node_modules', name), join(HERE, 'node_modules', name)].find(
    existsSync,
  );
  if (folder === undefined) return '?';
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}
