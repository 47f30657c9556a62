/** Proves that the key is read from its file, and that messages name the file and never what it holds. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { readKeyFile } from '../../../src/storage/key-file.ts';

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

  it.each(['', '\n', 'short', 'dt_live_1\ndt_live_2', 'KEY=dt live', 'schlüssel_12345', `${'x'.repeat(513)}`])(
    'refuses %j, naming the file and not what it holds',
    async (text) => {
      const path = join(folder, 'bad');
      await writeFile(path, text);
      const error = await refusalOf(path);
      expect(error.failure).toMatchObject({ kind: 'bad_key', creditsSpent: 'no', retry: 'no' });
      expect(error.failure.message).toBe(
        `The key file ${path} does not hold one key of 8 to 512 visible characters without spaces.`,
      );
      if (text.trim() !== '') expect(JSON.stringify([error.failure, error.stack])).not.toContain(text.trim());
    },
  );

  it('names the reason when the file cannot be read', async () => {
    expect((await refusalOf(join(folder, 'none'))).message).toBe(
      `The key file ${join(folder, 'none')} cannot be read (ENOENT).`,
    );
    expect((await refusalOf(folder)).message).toContain('(EISDIR)');
    expect((await refusalOf(folder)).failure.remedy).toContain('DOITONG_API_KEY_FILE');
  });
});
