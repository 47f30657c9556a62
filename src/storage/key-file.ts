/** Finds the API key: the one that was set, else the one in the file that was named. */
import { readFile, stat } from 'node:fs/promises';
import { keyProblem } from '../core/api-key.ts';
import { FluxError } from '../core/failure.ts';
import type { KeyProblem } from '../core/reasons.ts';
import { errorCode } from './disk-errors.ts';
import { expandHome } from './paths.ts';

const FILE_MAX_BYTES = 10_000;

type KeySettings = Partial<Record<'apiKey' | 'apiKeyFile', string | undefined>>;

/**
 * The one place that says whether a key can be used: whatever orders, and `doctor`, asks here.
 * @throws FluxError of kind `bad_key` that never shows what may be a key
 */
export async function apiKeyOf({ apiKey, apiKeyFile }: KeySettings): Promise<string | undefined> {
  if (apiKey === undefined) return apiKeyFile === undefined ? undefined : readKeyFile(apiKeyFile);
  const problem = keyProblem(apiKey);
  if (problem !== undefined) throw notUsable({ problem });
  return apiKey;
}

async function readKeyFile(file: string): Promise<string> {
  const refused = (problem: KeyProblem, cause?: unknown): FluxError => notUsable({ file, problem }, cause);
  const unreadable = (error: unknown): never => {
    throw refused({ type: 'not_readable', shown: errorCode(error) }, error);
  };
  const path = expandHome(file, 'DOITONG_API_KEY_FILE');
  const found = await stat(path).catch(unreadable);
  // Reading a FIFO would wait for somebody who writes into it.
  if (!found.isFile()) throw refused({ type: 'no_file' });
  if (found.size > FILE_MAX_BYTES) throw refused({ type: 'too_large' });
  const bytes = await readFile(path).catch(unreadable);
  // Some of Windows' programs write two bytes a character.
  if (bytes.includes(0)) throw refused({ type: 'utf16' });
  // A byte order mark counts as a blank.
  const text = bytes.toString('utf8').trim();
  if (text === '') throw refused({ type: 'empty' });
  const problem = keyProblem(text);
  if (problem !== undefined) throw refused(problem);
  return text;
}

function notUsable(found: { file?: string; problem: KeyProblem }, cause?: unknown): FluxError {
  const reason = { code: 'key_not_usable', ...found } as const;
  return new FluxError({ kind: 'bad_key', reason, creditsSpent: 'no', retry: 'no' }, { cause });
}
