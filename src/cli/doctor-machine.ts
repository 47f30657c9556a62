/** What `doctor` looks at on this machine: Node, the key, the folders. It leaves everything as it was. */
import { randomBytes } from 'node:crypto';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../config/settings.ts';
import { FluxError } from '../core/failure.ts';
import { errorCode } from '../storage/error-code.ts';
import { readKeyFile } from '../storage/key-file.ts';
import { expandHome } from '../storage/paths.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';

/** As package.json says under `engines`. */
const NODE_MIN = [20, 18, 1] as const;
const LOW_SPACE_BYTES = 100_000_000;
const MEGABYTE = 1_000_000;

/** @param version as Node tells it, with or without its `v` */
export function nodeCheck(version: string): Check {
  const parts = version.replace(/^v/u, '').split('.').map(Number);
  const differing = NODE_MIN.findIndex((least, index) => parts[index] !== least);
  const isEnough = differing === -1 || (parts[differing] ?? 0) > (NODE_MIN[differing] ?? 0);
  const needed = NODE_MIN.join('.');
  if (isEnough) return ok('node', version);
  return fail('node', `${version}, and ${needed} or newer is needed`, 'Install a newer Node.js from nodejs.org.');
}

const SET_KEY =
  "Set DOITONG_API_KEY, or DOITONG_API_KEY_FILE to a file that holds it, in the host's configuration; serve --sandbox needs none.";

/** The key, never shown, and what there is to say of it. */
export async function lookAtKey({
  apiKey,
  apiKeyFile,
}: Pick<Config, 'apiKey' | 'apiKeyFile'>): Promise<{ apiKey: string | undefined; check: Check }> {
  if (apiKey !== undefined) {
    const both = apiKeyFile === undefined ? '' : '; DOITONG_API_KEY_FILE is set too and is not read';
    return { apiKey, check: ok('key', `set by DOITONG_API_KEY, well-formed${both}`) };
  }
  if (apiKeyFile === undefined) return { apiKey: undefined, check: fail('key', 'no key is set', SET_KEY) };
  try {
    const read = await readKeyFile(apiKeyFile);
    return { apiKey: read, check: await keyFileCheck(apiKeyFile) };
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    const remedy = 'Correct the file, or DOITONG_API_KEY_FILE.';
    return { apiKey: undefined, check: fail('key', error.failure.message, remedy) };
  }
}

async function keyFileCheck(file: string): Promise<Check> {
  const found = `in ${file}, well-formed`;
  // Windows keeps its permissions elsewhere.
  if (process.platform === 'win32') return ok('key', found);
  const { mode } = await stat(expandHome(file));
  if ((mode & 0o044) === 0) return ok('key', found);
  return warn('key', `${found}, but other users of this machine can read it`, `Run: chmod 600 ${file}`);
}

export type FolderTerms = { check: string; setting: string; folder: string };

/**
 * Writes and removes a small file there; where the folder is made with the first picture or record, in the nearest
 * folder above.
 */
export async function folderCheck({ check, setting, folder }: FolderTerms): Promise<Check> {
  const remedy = `Make it writable for this user, make room there, or set ${setting} to a folder that can be written.`;
  const place = await nearestFolder(folder);
  const where = place === folder ? folder : `${folder}, which will be made in ${place}`;
  if (place === undefined) return fail(check, `${folder} cannot be made: something else is in its way`, remedy);
  try {
    await writeAndRemove(place);
  } catch (error) {
    return fail(check, `${where}: nothing can be written (${errorCode(error)})`, remedy);
  }
  const free = await freeBytes(place);
  if (free === undefined) return ok(check, `${where}: writable`);
  const room = `${Math.floor(free / MEGABYTE).toLocaleString('en-US')} MB free`;
  if (free >= LOW_SPACE_BYTES) return ok(check, `${where}: writable, ${room}`);
  return warn(check, `${where}: writable, but only ${room}`, 'Make room on that disk: a picture takes some megabytes.');
}

/** The folder itself or the nearest one above it that is there; `undefined` when that is no folder. */
async function nearestFolder(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(at).catch((error: unknown) => (errorCode(error) === 'ENOENT' ? undefined : 'other'));
    if (found === 'other') return undefined;
    if (found !== undefined) return found.isDirectory() ? at : undefined;
    if (at === dirname(at)) return undefined;
  }
}

async function writeAndRemove(folder: string): Promise<void> {
  const path = join(folder, `.flux-pro-mcp-doctor-${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile('written by flux-pro-mcp doctor\n');
    await file.datasync();
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

/** `undefined` where the system does not tell. */
async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
