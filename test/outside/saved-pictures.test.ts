/** What has taken the place of a saved picture is never handed out, whatever it is and whatever the record says. */
import { link, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { storedText } from '../../src/storage/versioned-file.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { unpackPackage } from '../support/packed-program.ts';
import {
  jobOf,
  makeFifo,
  order,
  type PictureService,
  type Serving,
  serve,
  startPictureService,
} from '../support/picture-service.ts';
import { jpegOf } from '../support/pictures.ts';
import { textOf } from '../support/raw-host.ts';
import { recordFile } from '../support/state-files.ts';

const packed = await unpackPackage();
const service: PictureService = await startPictureService();
afterAll(async () => {
  await service.close();
  await packed.close();
});

const SECRET = 'the-secret-of-another-file';

type Saved = Serving & { id: string; file: string; secret: string };

const serving = await serve(packed, service);
let orders = 0;

/** A saved picture, and a secret outside the output folder. */
async function saved(): Promise<Saved> {
  orders += 1;
  // The price was agreed to: after ten pictures nobody orders more without being asked.
  const { id, file } = jobOf(await order(serving.host, `heron ${orders}`, { max_credits: 20 }));
  const secret = join(serving.home.folder, 'secret.txt');
  await writeFile(secret, SECRET);
  return { ...serving, id, file, secret };
}

const swaps: Record<string, (saved: Saved) => Promise<unknown>> = {
  'a link to another file': ({ file, secret }) => symlink(secret, file),
  'a link to the environment of the process': ({ file }) => symlink('/proc/self/environ', file),
  'a link to a picture in the same folder': async ({ file }) => {
    await writeFile(`${file}.other.jpg`, service.picture);
    await symlink(`${file}.other.jpg`, file);
  },
  'a FIFO': async ({ file }) => makeFifo(file),
  'a folder': ({ file }) => mkdir(file),
  'a device': async ({ file }) => symlink('/dev/zero', file),
  'a socket': async ({ file }) => {
    const server = createServer().listen(file).unref();
    await new Promise((resolve) => server.once('listening', resolve));
  },
  'a file of 600 MB': async ({ file }) => {
    await writeFile(file, service.picture);
    await truncate(file, 600_000_000);
  },
  'a text file': ({ file }) => writeFile(file, SECRET),
  'an empty file': ({ file }) => writeFile(file, ''),
  'a hard link to another file': ({ file, secret }) => link(secret, file),
};

describe.skipIf(process.platform === 'win32')('a saved picture that was replaced', () => {
  it.each(Object.entries(swaps))('by %s is not read as a resource, and is fetched again', async (_, swap) => {
    const here = await saved();
    await rm(here.file);
    await swap(here);
    const uri = `flux://images/${here.id}`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => here.host.ask('resources/read', { uri })));
    for (const { error, result } of answers) {
      expect(result).toBeUndefined();
      expect(error?.message).toMatch(/^The saved picture .* was replaced: what is there now is /u);
      expect(error?.message).not.toContain(SECRET);
    }
    // The threads that read files are free: the picture comes again, under another name, without a second order.
    const ordered = service.orders();
    const again = await here.host.call('get_job_status', { job_id: here.id });
    expect(textOf(again)).toContain('The picture is finished and saved.');
    expect(jobOf(again).file).not.toBe(here.file);
    expect(await readFile(jobOf(again).file)).toEqual(service.picture);
    expect(service.orders()).toBe(ordered);
    const read = await here.host.ask('resources/read', { uri });
    expect(read.result?.contents).toMatchObject([{ blob: service.picture.toString('base64') }]);
  });

  it('together with its folder by a link that leads elsewhere is not read', async () => {
    const here = await saved();
    const month = dirname(here.file);
    const elsewhere = join(here.home.folder, 'elsewhere');
    await rename(month, elsewhere);
    await symlink(elsewhere, month);
    const { error } = await here.host.ask('resources/read', { uri: `flux://images/${here.id}` });
    await rm(month);
    await rename(elsewhere, month);
    expect(error?.message).toContain('in a folder that is a link');
  });

  it('is read where the output folder itself is a link: the user chose it', async () => {
    const home = await packed.newHome();
    const output = join(home.folder, 'pictures');
    await mkdir(join(home.folder, 'elsewhere'));
    await symlink(join(home.folder, 'elsewhere'), output);
    const { host } = await serve(packed, service, { home, env: { FLUX_OUTPUT_DIR: output } });
    const { id, file } = jobOf(await order(host));
    expect(file.startsWith(output)).toBe(true);
    const read = await host.ask('resources/read', { uri: `flux://images/${id}` });
    expect(read.result?.contents).toMatchObject([{ blob: service.picture.toString('base64') }]);
  });
});

async function recordOf({ home, id }: Saved): Promise<string> {
  const names = await readdir(home.folder, { recursive: true });
  const folder = names.find((path) => basename(path) === 'jobs');
  if (folder === undefined) throw new Error(`no records in ${names.join(', ')}`);
  return recordFile(join(home.folder, dirname(folder)), id);
}

describe('a record', () => {
  it('names its picture relative to the output folder; answers name it whole', async () => {
    const here = await saved();
    const { file } = here;
    const record = JSON.parse(await readFile(await recordOf(here), 'utf8'));
    expect(record.value.file).toMatch(/^\d{4}-\d{2}\/[^/\\]+\.jpg$/u);
    expect(file.endsWith(record.value.file)).toBe(true);
  });

  it('of before, with an absolute path inside the output folder, is read', async () => {
    const here = await saved();
    const { host, file, id } = here;
    const path = await recordOf(here);
    await writeFile(path, storedText({ ...JSON.parse(await readFile(path, 'utf8')).value, file }, []));
    const read = await host.ask('resources/read', { uri: `flux://images/${id}` });
    expect(read.result?.contents).toMatchObject([{ blob: service.picture.toString('base64') }]);
  });

  const forged = [
    '/etc/passwd',
    '/proc/self/environ',
    '../../../../../../../../etc/passwd',
    '2026-11/../../../secret.txt',
    'C:\\Windows\\win.ini',
    'C:secret.txt',
    '\\\\server\\share\\secret.jpg',
    '//server/share/secret.jpg',
    '2026-11\\secret.jpg',
    '2026-11/a.jpg\0.txt',
    'NUL',
    '2026-11/con.jpg',
    '2026-11/a.jpg:stream',
    'file:///etc/passwd',
    '~/.ssh/id_rsa',
    '.',
    '',
    '2026-11/',
    'x/'.repeat(3_000),
    7,
    { path: '/etc/passwd' },
  ];
  it.each(forged.map((file) => [JSON.stringify(file).slice(0, 60), file]))(
    'with the forged path %s leads nowhere: the picture is fetched again',
    async (_, file) => {
      const here = await saved();
      const { host, id } = here;
      const path = await recordOf(here);
      const { value } = JSON.parse(await readFile(path, 'utf8'));
      await writeFile(path, storedText({ ...value, file }, []));
      const read = await host.ask('resources/read', { uri: `flux://images/${id}` });
      expect(read.result).toBeUndefined();
      expect(read.error?.message).not.toMatch(/root:|unforeseen|unexpectedly|TypeError|EINVAL|internal error/iu);
      expect(textOf(await host.call('list_jobs', {}))).not.toContain('passwd');
      const again = await host.call('get_job_status', { job_id: id, wait_seconds: 10 });
      expect(await readFile(jobOf(again).file)).toEqual(service.picture);
    },
  );

  it.skipIf(process.platform === 'win32')('that is a FIFO keeps nobody waiting, and is set aside', async () => {
    const here = await saved();
    const { host, id } = here;
    const path = await recordOf(here);
    await rm(path);
    makeFifo(path);
    expect(textOf(await host.call('list_jobs', {}))).not.toContain(id);
    expect((await host.call('get_job_status', { job_id: id })).isError).toBe(true);
  });
});

describe('a picture that is larger than hosts take in one answer', () => {
  it('is given as a smaller JPEG, which says so and names the file', async () => {
    const large = await startPictureService(Buffer.from(await jpegOf(2_048, 2_048, { grain: 0.5 })));
    expect(large.picture.length).toBeGreaterThan(786_432);
    const { host } = await serve(packed, large);
    const { id, file } = jobOf(await order(host));
    const { result } = await host.ask('resources/read', { uri: `flux://images/${id}` });
    expect(JSON.stringify(result).length).toBeLessThan(1_048_576);
    const [contents] = (result as { contents: { blob: string; _meta: Record<string, unknown> }[] }).contents;
    const { width, height } = await decodeJpeg(Buffer.from(contents?.blob ?? '', 'base64'));
    expect(contents?._meta['io.github.flux-pro-mcp/preview']).toEqual({ width, height, file });
    await large.close();
  });
});
