/** Set up once for a whole run: the folder in which the first test that needs the packed package leaves it for the others. */
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SHARED_FOLDER } from './packed-program.ts';

let folder = '';

export async function setup(): Promise<void> {
  // The real path: `import.meta.url` in the program shows that one, too.
  folder = await realpath(await mkdtemp(join(tmpdir(), 'flux-package-')));
  // Some tests run the program as another user.
  await chmod(folder, 0o755);
  process.env[SHARED_FOLDER] = folder;
}

export async function teardown(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
