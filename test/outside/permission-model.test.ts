/** Under Node's permission model the server works with the two folders that it needs, and says what it cannot do. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { jobOf, order, type PictureService, serve, startPictureService } from '../support/picture-service.ts';
import { textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
const service: PictureService = await startPictureService();
afterAll(async () => {
  await service.close();
  await packed.close();
});

const FLAG = Number(process.versions.node.split('.')[0]) >= 23 ? '--permission' : '--experimental-permission';

async function serveConfined(...more: string[]) {
  const home = await packed.newHome();
  const data = join(home.folder, 'data-of-flux');
  await mkdir(data);
  return serve(packed, service, {
    home,
    // Smaller than the picture, so that there must be a preview.
    env: { FLUX_PREVIEW: '128', FLUX_OUTPUT_DIR: join(data, 'pictures'), FLUX_STATE_DIR: join(data, 'state') },
    command: process.execPath,
    args: [FLAG, '--allow-fs-read=*', `--allow-fs-write=${join(data, '*')}`, ...more, packed.main],
  });
}

describe("Node's permission model", () => {
  it('lets the server order and save; without a thread there is no preview, and the answer says so', async () => {
    const { host } = await serveConfined();
    const answer = await order(host);
    expect(textOf(answer)).toContain('The picture is finished and saved.');
    expect(textOf(answer)).toContain('The picture is not shown in this answer');
    expect(answer.content.filter(({ type }) => type === 'image')).toEqual([]);
    expect(await readFile(jobOf(answer).file)).toEqual(service.picture);
    const again = await host.call('get_job_status', { job_id: jobOf(answer).id });
    expect(jobOf(again).file).toBe(jobOf(answer).file);
    expect(service.orders()).toBe(1);
  });

  it('lets it show previews where threads are allowed', async () => {
    const { host } = await serveConfined('--allow-worker');
    const answer = await order(host, 'another heron');
    expect(answer.content.filter(({ type }) => type === 'image')).toHaveLength(1);
  });

  it('that allows no writing stops the order before it is sent', async () => {
    const before = service.orders();
    const { host } = await serve(packed, service, {
      command: process.execPath,
      args: [FLAG, '--allow-fs-read=*', packed.main],
    });
    const answer = await order(host, 'a third heron');
    expect(textOf(answer)).toContain("Node's permission model does not allow it (ERR_ACCESS_DENIED)");
    expect(service.orders()).toBe(before);
  });
});
