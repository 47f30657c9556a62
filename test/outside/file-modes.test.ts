/** What the server makes in its own folders is for this user alone, whatever the umask; what was there keeps its mode. */
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { jobOf, order, type PictureService, serve, startPictureService } from '../support/picture-service.ts';

const packed = await unpackPackage();
const service: PictureService = await startPictureService();
afterAll(async () => {
  await service.close();
  await packed.close();
});

async function modesBelow(folder: string): Promise<Record<string, number>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const modes: Record<string, number> = {};
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    modes[path] = (await stat(path)).mode & 0o7777;
    expect(modes[path], path).toBe(entry.isDirectory() ? 0o700 : 0o600);
  }
  return modes;
}

describe.skipIf(process.platform === 'win32').each(['000', '022', '077'])('under umask %s', (umask) => {
  it('folders are 0700 and files 0600, pictures and what is said about them included', async () => {
    const home = await packed.newHome();
    const above = join(home.folder, 'above');
    await mkdir(above);
    const env = { FLUX_OUTPUT_DIR: join(above, 'a', 'pictures'), FLUX_STATE_DIR: join(above, 'b', 'state') };
    const { host } = await serve(packed, service, {
      home,
      env,
      command: '/bin/sh',
      args: ['-c', `umask ${umask}; exec "$0" "$@"`, process.execPath, packed.main],
    });
    const { file } = jobOf(await order(host));
    const modes = await modesBelow(above);
    expect(Object.keys(modes)).toContain(file);
    expect(Object.keys(modes).filter((path) => path.endsWith('.json')).length).toBeGreaterThan(2);
  });

  it('a folder that was there keeps its mode', async () => {
    const home = await packed.newHome();
    const output = join(home.folder, 'pictures');
    await mkdir(output, { mode: 0o755 });
    const { host } = await serve(packed, service, {
      home,
      env: { FLUX_OUTPUT_DIR: output },
      command: '/bin/sh',
      args: ['-c', `umask ${umask}; exec "$0" "$@"`, process.execPath, packed.main],
    });
    await order(host);
    expect((await stat(output)).mode & 0o777).toBe(0o755);
  });
});
