/** A Node of another version, for runs that compare several. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Fetches the binary alone: the package of this platform in the npm registry holds nothing else.
 * @param folder absolute; the package goes into a folder of its own there
 * @returns the path of the binary
 */
export async function fetchNode(version: string, folder: string): Promise<string> {
  const prefix = join(folder, `node-${version}`);
  await mkdir(prefix);
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const options = ['--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...options, `${name}@${version}`]);
  return join(prefix, 'node_modules', name, 'bin/node');
}
