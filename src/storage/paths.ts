/** Where things live on this machine. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir, platform } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { FluxError } from '../core/failure.ts';
import type { FolderVariables } from '../core/folder-variables.ts';

const OUTPUT = 'FLUX_OUTPUT_DIR';
const STATE = 'FLUX_STATE_DIR';

/** The path with a leading `~` replaced by the user's home. @throws FluxError where there is none */
export function expandHome(path: string, setting: string): string {
  return path === '~' || /^~[\\/]/u.test(path) ? join(homeFor(setting), path.slice(1)) : resolve(path);
}

/**
 * The output folder: the one that was set, else `flux-pro` in the user's Pictures folder. Nothing is created.
 * @throws FluxError of kind `storage_failed` where the user has no such folder
 */
export async function outputFolder(configured: string | undefined, variables: FolderVariables = {}): Promise<string> {
  if (configured !== undefined) return expandHome(configured, OUTPUT);
  return join((await desktopPictures(variables)) ?? join(homeFor(OUTPUT), 'Pictures'), 'flux-pro');
}

/**
 * The folder of the job records: the one that was set, else the platform's folder for state. Nothing is created.
 * @throws FluxError of kind `storage_failed` where the user has no such folder
 */
export function stateFolder(configured: string | undefined, variables: FolderVariables = {}): string {
  if (configured !== undefined) return expandHome(configured, STATE);
  return join(platformState(variables), 'flux-pro-mcp');
}

function platformState(variables: FolderVariables): string {
  switch (platform()) {
    case 'darwin':
      return join(homeFor(STATE), 'Library', 'Application Support');
    case 'win32':
      return absolute(variables.LOCALAPPDATA) ?? join(homeFor(STATE), 'AppData', 'Local');
    default:
      return absolute(variables.XDG_STATE_HOME) ?? join(homeFor(STATE), '.local', 'state');
  }
}

/** Records of different services and keys never mix. The name does not reveal the key. */
export function partitionFolder(root: string, apiOrigin: string, apiKey: string): string {
  return join(root, nameOf(apiOrigin, `${apiOrigin}\n${apiKey}`));
}

/** One folder for the built-in sandbox: its address and its key differ at each start. */
export function sandboxFolder(root: string): string {
  return join(root, 'sandbox');
}

/** Of what all processes with the same service and key share, next to the job records. */
export function sharedFolder(partition: string): string {
  return join(partition, 'shared');
}

/** What is known of services, whatever the key. */
export function servicesFolder(root: string): string {
  return join(root, 'services');
}

export function serviceName(apiOrigin: string): string {
  return nameOf(apiOrigin, apiOrigin);
}

function nameOf(apiOrigin: string, identity: string): string {
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return `${new URL(apiOrigin).hostname.replace(/[^a-z0-9.-]/giu, '_')}-${hash}`;
}

/** Where a desktop of Linux says that pictures are: in the environment, else in the file of its user's folders. */
async function desktopPictures(variables: FolderVariables): Promise<string | undefined> {
  if (platform() === 'darwin' || platform() === 'win32') return undefined;
  const home = homeFolder();
  const named = absolute(variables.XDG_PICTURES_DIR) ?? (await picturesInUserDirs(variables, home));
  // "$HOME/" alone is how a desktop says that there is no such folder.
  return named === undefined || (home !== undefined && resolve(named) === resolve(home)) ? undefined : named;
}

async function picturesInUserDirs(variables: FolderVariables, home: string | undefined): Promise<string | undefined> {
  const config = absolute(variables.XDG_CONFIG_HOME) ?? (home === undefined ? undefined : join(home, '.config'));
  if (config === undefined) return undefined;
  const text = await readFile(join(config, 'user-dirs.dirs'), 'utf8').catch(() => '');
  const [, named] = /^XDG_PICTURES_DIR="(.*)"$/mu.exec(text) ?? [];
  if (named === undefined || (home === undefined && named.startsWith('$HOME'))) return undefined;
  return absolute(named.replace(/^\$HOME/u, () => home ?? ''));
}

/** As the XDG specification wants it: what is no absolute path counts as not set. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** Absent in a container without a user of that number, and where HOME is no path. */
function homeFolder(): string | undefined {
  try {
    return absolute(homedir());
  } catch {
    return undefined;
  }
}

function homeFor(setting: string): string {
  const home = homeFolder();
  if (home !== undefined) return home;
  const kind = setting === 'DOITONG_API_KEY_FILE' ? 'bad_key' : 'storage_failed';
  throw new FluxError({ kind, reason: { code: 'no_home', setting }, creditsSpent: 'no', retry: 'no' });
}
