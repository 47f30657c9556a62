/** Proves that the key is read from its file, and that messages name the file and never what it holds. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { apiKeyOf } from '../../../src/storage/key-file.ts';
import { wordsOf } from '../../support/words.ts';

const readKeyFile = (apiKeyFile: string) => apiKeyOf({ apiKey: undefined, apiKeyFile });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-key-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function refusalOf(path: string): Promise<FluxError> {
  const error = await readKeyFile(path).catch((reason: unknown) => reason);
  if (error instanceof FluxError) return error;
  throw new Error('the key was read');
}

describe('readKeyFile', () => {
  it.each(['dt_live_12345678', 'dt_live_12345678\n', '  dt_live_12345678\r\n', '\uFEFFdt_live_12345678'])(
    'reads %j without the space around it',
    async (text) => {
      const path = join(folder, 'good');
      await writeFile(path, text);
      expect(await readKeyFile(path)).toBe('dt_live_12345678');
    },
  );

  it.each([
    ['', 'is empty'],
    ['\n', 'is empty'],
    ['\uFEFF\r\n', 'is empty'],
    ['short', 'does not contain one key of 8 to 512 visible characters without spaces'],
    ['schlüssel_12345', 'does not contain one key'],
    ['x'.repeat(513), 'does not contain one key'],
    ['dt_live_1\ndt_live_2', 'contains several lines'],
    ['DOITONG_API_KEY=dt_live_12345678', 'contains a whole line of the form NAME=key'],
    ['export DOITONG_API_KEY=dt_live_12345678\n', 'contains a whole line of the form NAME=key'],
    ['"dt_live_12345678"', 'contains quotation marks'],
    ['Bearer dt_live_12345678', 'contains a whole header'],
    ['x'.repeat(10_001), 'is larger than 10000 bytes'],
    ['k\0e\0y\0', 'is not UTF-8 text: it looks like UTF-16'],
  ])('refuses %j, naming the file and not what it holds', async (text, reason) => {
    const path = join(folder, 'bad');
    await writeFile(path, text);
    const error = await refusalOf(path);
    expect(error.failure).toMatchObject({ kind: 'bad_key', creditsSpent: 'no', retry: 'no' });
    expect(wordsOf(error).what).toContain(`The key file ${path} ${reason}`);
    if (text.trim() !== '')
      expect(JSON.stringify([error.failure, error.stack, wordsOf(error)])).not.toContain(text.trim());
  });

  it('says that a file is UTF-16, as Windows writes it', async () => {
    const path = join(folder, 'utf16');
    await writeFile(path, Buffer.from('\uFEFFdt_live_12345678\r\n', 'utf16le'));
    expect(wordsOf(await refusalOf(path)).what).toContain('Save it as UTF-8');
  });

  it.runIf(platform() !== 'win32')('never waits for a pipe', async () => {
    const path = join(folder, 'pipe');
    await promisify(execFile)('mkfifo', [path]);
    expect(wordsOf(await refusalOf(path)).what).toContain('a folder, a pipe or a device');
  });

  it('names the reason when the file cannot be read', async () => {
    expect(wordsOf(await refusalOf(join(folder, 'none'))).what).toBe(
      `The key file ${join(folder, 'none')} cannot be read (ENOENT).`,
    );
    expect(wordsOf(await refusalOf(folder)).what).toContain('is not a file but a folder');
    expect(wordsOf(await refusalOf(folder)).next).toContain('DOITONG_API_KEY_FILE');
  });
});
