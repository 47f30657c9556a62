/** Finds the API key: the one that was set, else the one in the file that was named. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { keyProblem } from '../core/api-key.ts';
import { FluxError } from '../core/failure.ts';
import type { KeyProblem } from '../core/reasons.ts';
import { errorCode } from './disk.ts';
import { expandHome } from './paths.ts';

const FILE_MAX_BYTES = 10_000;
const BOM = /^\uFEFF/u;

/**
 * The one place that says whether a key can be used: whatever orders, and `doctor`, asks here.
 * @throws FluxError of kind `bad_key` that never shows what may be a key
 */
export async function apiKeyOf(settings: {
  apiKey: string | undefined;
  apiKeyFile: string | undefined;
}): Promise<string | undefined> {
  const { apiKey, apiKeyFile } = settings;
  if (apiKey === undefined) return apiKeyFile === undefined ? undefined : readKeyFile(apiKeyFile);
  const problem = keyProblem(apiKey);
  if (problem !== undefined) throw notUsable({ problem });
  return apiKey;
}

async function readKeyFile(path: string): Promise<string> {
  const bytes = await bytesOf(path);
  const text = bytes.toString('utf8').replace(BOM, '').trim();
  const problem = problemOf(bytes, text);
  if (problem !== undefined) throw notUsable({ file: path, problem });
  return text;
}

function problemOf(bytes: Buffer, text: string): KeyProblem | undefined {
  // Some of Windows' programs write two bytes a character.
  if (bytes.includes(0)) return { type: 'utf16' };
  return text === '' ? { type: 'empty' } : keyProblem(text);
}

async function bytesOf(path: string): Promise<Buffer> {
  const absolute = expandHome(path, 'DOITONG_API_KEY_FILE');
  let file: FileHandle | undefined;
  try {
    // A pipe that nobody writes to would keep the reader waiting for ever.
    file = await open(absolute, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (!(await file.stat()).isFile()) throw notUsable({ file: path, problem: { type: 'no_file' } });
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_MAX_BYTES + 1), 0, FILE_MAX_BYTES + 1, 0);
    if (bytesRead > FILE_MAX_BYTES) throw notUsable({ file: path, problem: { type: 'too_large' } });
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (error instanceof FluxError) throw error;
    throw notUsable({ file: path, problem: { type: 'not_readable', shown: errorCode(error) } }, error);
  } finally {
    await file?.close();
  }
}

function notUsable(found: { file?: string; problem: KeyProblem }, cause?: unknown): FluxError {
  const reason = { code: 'key_not_usable', ...found } as const;
  return new FluxError({ kind: 'bad_key', reason, creditsSpent: 'no', retry: 'no' }, { cause });
}
