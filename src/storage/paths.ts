/** Where things live on this machine. Nothing is created here. */
import { readdir, readFile } from 'node:fs/promises';
import { homedir, platform } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { FluxError } from '../core/failure.ts';
import { attempt } from '../core/primitives.ts';
import { hashOf } from './file-system.ts';

type FolderVariables = Readonly<Record<string, string | undefined>>;

type FolderSettings = {
  outputDir?: string | undefined;
  stateDir?: string | undefined;
  /** By name, of the environment. */
  folderVariables?: FolderVariables | undefined;
};

/** The path with a leading `~` replaced by the user's home. @throws FluxError where there is none */
export function expandHome(path: string, setting: string): string {
  return path === '~' || /^~[\\/]/u.test(path) ? join(homeFor(setting), path.slice(1)) : resolve(path);
}

/** The one that was set, else `flux-pro` in the user's Pictures folder. @throws FluxError where the user has no home */
export async function outputFolder({ outputDir, folderVariables = {} }: FolderSettings): Promise<string> {
  const setting = 'FLUX_OUTPUT_DIR';
  if (outputDir !== undefined) return expandHome(outputDir, setting);
  return join((await desktopPictures(folderVariables)) ?? join(homeFor(setting), 'Pictures'), 'flux-pro');
}

/** Of the job records: the one that was set, else the platform's. @throws FluxError where the user has no home */
export function stateFolder({ stateDir, folderVariables = {} }: FolderSettings): string {
  if (stateDir !== undefined) return expandHome(stateDir, 'FLUX_STATE_DIR');
  const inHome = (...steps: string[]): string => join(homeFor('FLUX_STATE_DIR'), ...steps);
  const { LOCALAPPDATA, XDG_STATE_HOME } = folderVariables;
  const parents: Partial<Record<NodeJS.Platform, () => string>> = {
    darwin: () => inHome('Library', 'Application Support'),
    win32: () => absolute(LOCALAPPDATA) ?? inHome('AppData', 'Local'),
  };
  const parent = parents[platform()]?.() ?? absolute(XDG_STATE_HOME) ?? inHome('.local', 'state');
  return join(parent, 'flux-pro-mcp');
}

/** Records of different services and keys never mix. The name does not reveal the key. */
export const partitionFolder = (root: string, apiOrigin: string, apiKey: string): string =>
  join(root, `${serviceName(apiOrigin)}${KEY_MARK}${hashOf(`${apiOrigin}\n${apiKey}`)}`);

/** In front of the hash of a key. */
const KEY_MARK = '-key-';

/** The partitions of other keys and services, next to that one. */
export async function otherPartitions(root: string, own: string) {
  const names = await readdir(root).catch(() => []);
  const folders = names.filter((name) => name.includes(KEY_MARK)).map((name) => join(root, name));
  const serviceOf = (folder: string): string => folder.slice(0, folder.lastIndexOf(KEY_MARK));
  const others = folders.filter((folder) => folder !== own);
  return others.map((folder) => ({ folder, isSameService: serviceOf(folder) === serviceOf(own) }));
}

/** One folder for the built-in sandbox: its address and its key differ at each start. */
export const sandboxFolder = (root: string): string => join(root, 'sandbox');

/** Signs of life of the processes that work on jobs of this service and key. */
export const heartbeatsFolder = (partition: string): string => join(partition, 'heartbeats');

/** Of what all processes with the same service and key share, next to the job records. */
export const sharedFolder = (partition: string): string => join(partition, 'shared');

/** What is known of services, whatever the key. */
export const servicesFolder = (root: string): string => join(root, 'services');

export const serviceName = (apiOrigin: string): string =>
  `${new URL(apiOrigin).hostname.replace(/[^a-z0-9.-]/giu, '_')}-${hashOf(apiOrigin)}`;

/** Where a desktop of Linux says that pictures are: in the environment, else in the file of its user's folders. */
async function desktopPictures(variables: FolderVariables): Promise<string | undefined> {
  if (platform() === 'darwin' || platform() === 'win32') return undefined;
  const home = homeFolder();
  const config = absolute(variables.XDG_CONFIG_HOME) ?? (home && join(home, '.config'));
  const text = config && (await readFile(join(config, 'user-dirs.dirs'), 'utf8').catch(() => ''));
  const [, inFile] = /^XDG_PICTURES_DIR="(.*)"$/mu.exec(text ?? '') ?? [];
  // What remains of "$HOME" without a home is no absolute path.
  const named = absolute(variables.XDG_PICTURES_DIR) ?? absolute(inFile?.replace(/^\$HOME/u, () => home ?? '.'));
  // "$HOME/" alone is how a desktop says that there is no such folder.
  return named === undefined || (home !== undefined && resolve(named) === resolve(home)) ? undefined : named;
}

/** As the XDG specification wants it: what is no absolute path counts as not set. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** Absent in a container without a user of that number, and where HOME is no path. */
function homeFolder(): string | undefined {
  return absolute(attempt(homedir));
}

function homeFor(setting: string): string {
  const home = homeFolder();
  if (home !== undefined) return home;
  const kind = setting === 'DOITONG_API_KEY_FILE' ? 'bad_key' : 'storage_failed';
  throw new FluxError({ kind, reason: { code: 'no_home', setting }, creditsSpent: 'no', retry: 'no' });
}
