/** Where things live on this machine. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir, platform } from 'node:os';
import { join, resolve } from 'node:path';

/** The path with a leading `~` replaced by the user's home. */
export function expandHome(path: string): string {
  return path === '~' || /^~[\\/]/u.test(path) ? join(homedir(), path.slice(1)) : resolve(path);
}

/** The output folder: the one that was set, else `flux-pro` in the user's Pictures folder. Nothing is created. */
export async function outputFolder(configured: string | undefined): Promise<string> {
  return configured === undefined ? join(await picturesFolder(), 'flux-pro') : expandHome(configured);
}

/** The folder of the job records: the one that was set, else the platform's place for state. Nothing is created. */
export function stateFolder(configured: string | undefined): string {
  if (configured !== undefined) return expandHome(configured);
  const places: Partial<Record<NodeJS.Platform, string[]>> = {
    darwin: ['Library', 'Application Support'],
    win32: ['AppData', 'Local'],
  };
  return join(homedir(), ...(places[platform()] ?? ['.local', 'state']), 'flux-pro-mcp');
}

/** Records of different services and keys never mix. The key itself cannot be told from the name. */
export function partitionFolder(root: string, apiOrigin: string, apiKey: string): string {
  return join(root, nameOf(apiOrigin, `${apiOrigin}\n${apiKey}`));
}

/** What is known of a service, whatever the key. */
export function serviceFile(root: string, apiOrigin: string): string {
  return join(root, 'services', `${nameOf(apiOrigin, apiOrigin)}.json`);
}

function nameOf(apiOrigin: string, identity: string): string {
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return `${new URL(apiOrigin).hostname.replace(/[^a-z0-9.-]/giu, '_')}-${hash}`;
}

async function picturesFolder(): Promise<string> {
  const usual = join(homedir(), 'Pictures');
  if (platform() !== 'linux') return usual;
  // The freedesktop user-dirs file says where a translated desktop keeps its pictures.
  try {
    const text = await readFile(join(homedir(), '.config', 'user-dirs.dirs'), 'utf8');
    const [, named] = /^XDG_PICTURES_DIR="(.*)"$/mu.exec(text) ?? [];
    const path = named?.replace(/^\$HOME/u, homedir());
    // "$HOME/" alone is how a desktop says that there is no such folder.
    return path?.startsWith('/') && resolve(path) !== resolve(homedir()) ? path : usual;
  } catch {
    return usual;
  }
}
