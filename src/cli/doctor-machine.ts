/** What `doctor` checks on this machine: Node, the key, the folders. It leaves everything as it was. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import { folderProblem } from '../mcp/words/storage.ts';
import { nodeProblem } from '../runtime/node-version.ts';
import { checkFolder, type FolderToCheck } from '../storage/folders.ts';
import { apiKeyOf } from '../storage/key-file.ts';
import { expandHome } from '../storage/paths.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';

const LOW_SPACE_BYTES = 100_000_000;
const MEGABYTE = 1_000_000;

/** @param version as Node reports it, with or without its `v` */
export function nodeCheck(version: string): Check {
  const problem = nodeProblem(version);
  if (problem === undefined) return ok('node', version);
  return fail('node', problem, 'Install a newer Node.js from nodejs.org.');
}

const SET_KEY =
  "Set DOITONG_API_KEY, or DOITONG_API_KEY_FILE to a file that holds it, in the host's configuration; serve --sandbox needs none.";

/** The key, never shown, and what there is to say of it: by the code that the server goes by. */
export async function checkKey(
  settings: Pick<Config, 'apiKey' | 'apiKeyFile'>,
): Promise<{ apiKey: string | undefined; check: Check }> {
  const apiKey = await apiKeyOf(settings);
  if (apiKey === undefined) return { apiKey, check: fail('key', 'no key is set', SET_KEY) };
  const file = settings.apiKeyFile;
  if (settings.apiKey === undefined && file !== undefined) return { apiKey, check: await keyFileCheck(file) };
  const both = file === undefined ? '' : '; DOITONG_API_KEY_FILE is set too and is not read';
  return { apiKey, check: ok('key', `set by DOITONG_API_KEY, well-formed${both}`) };
}

async function keyFileCheck(file: string): Promise<Check> {
  const found = `in ${file}, well-formed`;
  // Windows keeps its permissions elsewhere.
  if (process.platform === 'win32') return ok('key', found);
  const { mode } = await stat(expandHome(file, 'DOITONG_API_KEY_FILE'));
  if ((mode & 0o044) === 0) return ok('key', found);
  return warn('key', `${found}, but other users of this machine can read it`, `Run: chmod 600 ${file}`);
}

export type FolderOptions = { check: string; setting: string; wanted: FolderToCheck };

/**
 * Writes and removes a small file there, as every order does; where the folder is made with the first picture or
 * record, in the nearest folder above.
 */
export async function folderCheck({ check, setting, wanted }: FolderOptions, clock: Clock): Promise<Check> {
  const { folder } = wanted;
  const state = await checkFolder(wanted, false, clock);
  const isThere = state.at === folder || (wanted.holds === 'pictures' && state.at === join(folder, wanted.month));
  const where = isThere || state.at === undefined ? folder : `${folder}, which will be made in ${state.at}`;
  if (!state.isUsable) {
    const remedy = `Make it writable for this user, make room there, or set ${setting} to a folder that can be written.`;
    return fail(check, `${where}: ${folderProblem(state.problem)}`, remedy);
  }
  const { freeBytes: free, openToOthers } = state;
  if (openToOthers !== undefined) {
    const found = `${where}: writable, also by other users of this machine, who can replace what is kept in ${openToOthers}`;
    return warn(check, found, `Run: chmod go-w ${openToOthers}`);
  }
  if (free === undefined) return ok(check, `${where}: writable`);
  const room = `${Math.floor(free / MEGABYTE).toLocaleString('en-US')} MB free`;
  if (free >= LOW_SPACE_BYTES) return ok(check, `${where}: writable, ${room}`);
  return warn(check, `${where}: writable, but only ${room}`, 'Make room on that disk: a picture takes some megabytes.');
}
