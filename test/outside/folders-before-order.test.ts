/** Folders that take no files are met before an order is paid for, by doctor and by the server alike. */
import { chmod, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { mountSmallDisk } from '../crash/small-disk.ts';
import { type Home, unpackPackage } from '../support/packed-program.ts';
import { jobOf, makeFifo, order, type PictureService, serve, startPictureService } from '../support/picture-service.ts';
import { textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
const service: PictureService = await startPictureService();
afterAll(async () => {
  await service.close();
  await packed.close();
});

let home: Home;
beforeEach(async () => {
  home = await packed.newHome();
});

const SETTINGS = ['FLUX_OUTPUT_DIR', 'FLUX_STATE_DIR'] as const;
const isRoot = process.getuid?.() === 0;
const thisMonth = (): string => new Date().toISOString().slice(0, 7);

/** Each makes something in the way and says which folder is set. */
const obstacles: Record<string, (base: string) => Promise<string>> = {
  'is a file': async (base) => {
    await writeFile(join(base, 'file'), '');
    return join(base, 'file');
  },
  'lies below a file': async (base) => {
    await writeFile(join(base, 'file'), '');
    return join(base, 'file', 'a', 'b');
  },
  'is a link that leads nowhere': async (base) => {
    await symlink(join(base, 'gone'), join(base, 'link'));
    return join(base, 'link');
  },
  'lies below a link that leads nowhere': async (base) => {
    await symlink(join(base, 'gone'), join(base, 'link'));
    return join(base, 'link', 'a');
  },
  'is a link that leads back to itself': async (base) => {
    await symlink(join(base, 'link'), join(base, 'link'));
    return join(base, 'link');
  },
  'is a FIFO': async (base) => {
    makeFifo(join(base, 'fifo'));
    return join(base, 'fifo');
  },
  ...(process.platform === 'linux'
    ? {
        'lies below a process, which takes no folder': async () => '/proc/1/flux',
        'lies far below a process': async () => '/proc/self/task/a/b/c',
      }
    : {}),
  ...(isRoot
    ? {}
    : {
        'may not be written': async (base: string) => {
          await mkdir(join(base, 'closed'), { mode: 0o500 });
          return join(base, 'closed');
        },
      }),
};

async function expectRefused(env: Record<string, string>, folder: string, setting: string): Promise<void> {
  const before = service.orders();
  const { host, program } = await serve(packed, service, { home, env });
  for (const attempt of [1, 2]) {
    const answer = await order(host, `heron ${attempt}`);
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain(folder);
    expect(textOf(answer)).toContain(setting);
    expect(textOf(answer)).toContain('No credits were spent.');
  }
  expect(service.orders()).toBe(before);
  // What only reads goes on: nothing is on record.
  expect((await host.call('list_jobs', {})).isError).not.toBe(true);
  expect(textOf(await host.call('get_job_status', { job_id: 'job_1' }))).toMatch(/no job/iu);
  program.child.stdin.end();
  expect(await program.exit).toMatchObject({ code: 0 });
}

describe.skipIf(process.platform === 'win32').each(SETTINGS)('%s', (setting) => {
  it.each(Object.entries(obstacles))('that %s: nothing is sent, and it is named', async (_, obstruct) => {
    const folder = await obstruct(home.folder);
    await expectRefused({ [setting]: folder }, folder, setting);
    const doctor = await packed.start(['doctor'], { home, env: { ...service.env, [setting]: folder } });
    expect(await doctor.exit).toMatchObject({ code: 1 });
    const line = setting === 'FLUX_OUTPUT_DIR' ? 'output_folder' : 'state_folder';
    expect(doctor.stdout()).toMatch(new RegExp(`^FAIL +${line} .*${setting}`, 'mu'));
  });

  it('that can be made is made for this user alone', async () => {
    const folder = join(home.folder, 'a', 'b', 'c');
    const { host } = await serve(packed, service, { home, env: { [setting]: folder } });
    expect(textOf(await order(host))).toContain('The picture is finished and saved.');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });
});

describe.skipIf(process.platform === 'win32')('the folder of this month', () => {
  it.each([
    ['is a file', async (path: string) => writeFile(path, '')],
    ['is a link that leads nowhere', async (path: string) => symlink(`${path}-gone`, path)],
    ['is a link out of the output folder', async (path: string) => symlink(home.folder, path)],
  ])('that %s: nothing is sent', async (_, obstruct) => {
    const output = join(home.folder, 'pictures');
    await mkdir(output);
    await obstruct(join(output, thisMonth()));
    await expectRefused({ FLUX_OUTPUT_DIR: output }, output, 'FLUX_OUTPUT_DIR');
  });
});

const probe = await mountSmallDisk('read-only');
await probe?.unmount();
if (probe === undefined) console.warn('this machine allows no mounts: disks that take no writes are not tried');

describe.skipIf(probe === undefined)('a disk that is read-only', () => {
  it.each(SETTINGS)(
    'under %s: nothing is sent, and the same call works when it takes writes again',
    async (setting) => {
      const disk = await mountSmallDisk('read-only');
      if (disk === undefined) throw new Error('the disk could not be mounted again');
      try {
        const { host } = await serve(packed, service, { home, env: { [setting]: join(disk.folder, 'deep', 'er') } });
        await disk.stop();
        const before = service.orders();
        expect(textOf(await order(host))).toContain('that disk is read-only (EROFS)');
        expect(service.orders()).toBe(before);
        await disk.goOn();
        jobOf(await order(host));
        expect(service.orders()).toBe(before + 1);
      } finally {
        await disk.unmount();
      }
    },
  );
});

describe.skipIf(process.platform === 'win32')('a folder that others can write to', () => {
  it.each(SETTINGS)('under %s keeps its mode, and is warned of by the server and by doctor', async (setting) => {
    const folder = join(home.folder, 'shared');
    await mkdir(folder);
    await chmod(folder, 0o1777);
    const { host, program } = await serve(packed, service, { home, env: { [setting]: folder } });
    jobOf(await order(host, 'one'));
    jobOf(await order(host, 'two'));
    expect((await stat(folder)).mode & 0o7777).toBe(0o1777);
    expect(program.stderr().split(`chmod go-w ${folder}`)).toHaveLength(2);
    const doctor = await packed.start(['doctor'], { home, env: { ...service.env, [setting]: folder } });
    await doctor.exit;
    expect(doctor.stdout()).toMatch(new RegExp(`^warn .*Run: chmod go-w ${folder}$`, 'mu'));
  });
});

describe('the look at the folders', () => {
  it('leaves nothing behind', async () => {
    const output = join(home.folder, 'pictures');
    const { host } = await serve(packed, service, { home, env: { FLUX_OUTPUT_DIR: output } });
    jobOf(await order(host));
    const names = await readdir(join(output, thisMonth()));
    expect(names.map((name) => name.replace(/^.*\./u, '')).sort()).toEqual(['jpg', 'json']);
  });
});

describe.each(SETTINGS)('%s, which took files a moment ago', (setting) => {
  it.each<[string, (folder: string) => Promise<void>]>([
    ['is a file now', (folder) => writeFile(folder, '')],
    ['is a link that leads nowhere now', (folder) => symlink(join(home.folder, 'gone'), folder)],
  ])('%s: the next order is refused, and nothing is sent', async (_, replace) => {
    const folder = join(home.folder, 'chosen');
    const { host } = await serve(packed, service, { home, env: { [setting]: folder } });
    expect((await order(host)).isError).not.toBe(true);
    const before = service.orders();
    await rm(folder, { recursive: true });
    await replace(folder);
    const answer = await order(host, 'another heron');
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain(folder);
    expect(textOf(answer)).toContain('No credits were spent.');
    expect(service.orders()).toBe(before);
  });
});
