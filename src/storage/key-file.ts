/** Finds the API key: the one that was set, else the one in the file that was named. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { keyProblem } from '../core/api-key.ts';
import { FluxError } from '../core/failure.ts';
import { errorCode } from './error-code.ts';
import { expandHome } from './paths.ts';

const FILE_MAX_BYTES = 10_000;
const BOM = '\uFEFF';

const IN_VARIABLE =
  "Ask the user to put the key itself into DOITONG_API_KEY in the host's configuration, or to name a file that holds it in DOITONG_API_KEY_FILE, and to restart the server.";
const IN_FILE =
  'Ask the user to correct the file, or to correct DOITONG_API_KEY_FILE and restart the server; then call again.';

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
  const problem = keyProblem(apiKey, 'DOITONG_API_KEY');
  if (problem !== undefined) throw badKey(problem, IN_VARIABLE);
  return apiKey;
}

/** @throws FluxError of kind `bad_key` that names the file and the reason, never its content. */
export async function readKeyFile(path: string): Promise<string> {
  const where = `The key file ${path}`;
  const text = decoded(await bytesOf(path, where), where).trim();
  const problem = text === '' ? `${where} is empty.` : keyProblem(text, where);
  if (problem !== undefined) throw badKey(problem, IN_FILE);
  return text;
}

async function bytesOf(path: string, where: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    // A pipe that nobody writes to would keep the reader waiting for ever.
    file = await open(expandHome(path, 'DOITONG_API_KEY_FILE'), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (!(await file.stat()).isFile())
      throw badKey(`${where} is not a file but a folder, a pipe or a device.`, IN_FILE);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_MAX_BYTES + 1), 0, FILE_MAX_BYTES + 1, 0);
    if (bytesRead <= FILE_MAX_BYTES) return buffer.subarray(0, bytesRead);
    throw badKey(`${where} is larger than ${FILE_MAX_BYTES} bytes; it should contain only the key.`, IN_FILE);
  } catch (error) {
    if (error instanceof FluxError)
      throw error.failure.kind === 'bad_key' ? error : badKey(error.message, IN_FILE, error);
    throw badKey(`${where} cannot be read (${errorCode(error)}).`, IN_FILE, error);
  } finally {
    await file?.close();
  }
}

/** Editors put a byte order mark before the text, and some of Windows' programs write two bytes a character. */
function decoded(bytes: Buffer, where: string): string {
  if (bytes.includes(0))
    throw badKey(`${where} is not UTF-8 text: it looks like UTF-16. Save it as UTF-8 or ASCII.`, IN_FILE);
  const text = bytes.toString('utf8');
  return text.startsWith(BOM) ? text.slice(BOM.length) : text;
}

function badKey(message: string, remedy: string, cause?: unknown): FluxError {
  return new FluxError({ kind: 'bad_key', message, creditsSpent: 'no', retry: 'no', remedy }, { cause });
}
