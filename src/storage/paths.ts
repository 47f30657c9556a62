/** Where things live on this machine. */
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
