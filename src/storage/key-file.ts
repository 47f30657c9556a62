/** Finds the API key: the one that was set, else the one in the file that was named. */
import { open } from 'node:fs/promises';
import { keyProblem } from '../core/api-key.ts';
import { FluxError } from '../core/failure.ts';
import type { KeyProblem } from '../core/reasons.ts';
import { errorCode, READ } from './disk.ts';
import { expandHome } from './paths.ts';

const FILE_MAX_BYTES = 10_000;

/**
 * The one place that says whether a key can be used: whatever orders, and `doctor`, asks here.
 * @throws FluxError of kind `bad_key` that never shows what may be a key
 */
export async function apiKeyOf({
  apiKey,
  apiKeyFile,
}: Partial<Record<'apiKey' | 'apiKeyFile', string | undefined>>): Promise<string | undefined> {
  if (apiKey === undefined) return apiKeyFile === undefined ? undefined : readKeyFile(apiKeyFile);
  const problem = keyProblem(apiKey);
  if (problem !== undefined) throw notUsable({ problem });
  return apiKey;
}

async function readKeyFile(file: string): Promise<string> {
  const refused = (problem: KeyProblem, cause?: unknown): FluxError => notUsable({ file, problem }, cause);
  const bytes = await beginningOf(expandHome(file, 'DOITONG_API_KEY_FILE')).catch((error: unknown) => {
    throw refused({ type: 'not_readable', shown: errorCode(error) }, error);
  });
  if (bytes === undefined) throw refused({ type: 'no_file' });
  if (bytes.length > FILE_MAX_BYTES) throw refused({ type: 'too_large' });
  // Some of Windows' programs write two bytes a character.
  if (bytes.includes(0)) throw refused({ type: 'utf16' });
  // A byte order mark counts as a blank.
  const text = bytes.toString('utf8').trim();
  if (text === '') throw refused({ type: 'empty' });
  const problem = keyProblem(text);
  if (problem !== undefined) throw refused(problem);
  return text;
}

/** `undefined` for what is no file. */
async function beginningOf(path: string): Promise<Buffer | undefined> {
  const file = await open(path, READ);
  try {
    if (!(await file.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_MAX_BYTES + 1), 0, FILE_MAX_BYTES + 1, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function notUsable(found: { file?: string; problem: KeyProblem }, cause?: unknown): FluxError {
  const reason = { code: 'key_not_usable', ...found } as const;
  return new FluxError({ kind: 'bad_key', reason, creditsSpent: 'no', retry: 'no' }, { cause });
}
