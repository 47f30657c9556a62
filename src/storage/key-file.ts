/** Reads the API key from the file that the user named. */
import { readFile } from 'node:fs/promises';
import { API_KEY } from '../core/api-key.ts';
import { FluxError } from '../core/failure.ts';
import { expandHome } from './paths.ts';

/** @throws FluxError of kind `bad_key` that names the file and the reason, never its content. */
export async function readKeyFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(expandHome(path), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw badKeyFile(`The key file ${path} cannot be read (${code}).`, error);
  }
  const key = text.trim();
  if (API_KEY.test(key)) return key;
  throw badKeyFile(`The key file ${path} does not hold one key of 8 to 512 visible characters without spaces.`);
}

/** The key that was set, else the one in the file that was named. @throws FluxError of kind `bad_key` */
export async function apiKeyOf(settings: {
  apiKey: string | undefined;
  apiKeyFile: string | undefined;
}): Promise<string | undefined> {
  if (settings.apiKey !== undefined || settings.apiKeyFile === undefined) return settings.apiKey;
  return readKeyFile(settings.apiKeyFile);
}

function badKeyFile(message: string, cause?: unknown): FluxError {
  const remedy = 'Correct the file and call again, or correct DOITONG_API_KEY_FILE and restart the server.';
  return new FluxError({ kind: 'bad_key', message, creditsSpent: 'no', retry: 'no', remedy }, { cause });
}
