/** The pinned clients: installs them, finds the Node that they run on, and tells their versions. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPinned } from '../support/pinned-packages.ts';

const HERE = import.meta.dirname;

/** @returns path of Node 24 */
export const installClients = (): Promise<string> => installPinned(HERE);

export function versionOf(client: string, name: string): string {
  const folder = [join(HERE, 'clients', client, 'node_modules', name), join(HERE, 'node_modules', name)].find(
    existsSync,
  );
  if (folder === undefined) return '?';
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}
