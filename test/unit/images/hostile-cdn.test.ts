/** Proves that nothing a remote side sends leads inward, out of the folder, or beyond the bounds. */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import type { Picture } from '../../../src/core/image-store.ts';
import { createImageDownload } from '../../../src/images/download.ts';
import { createImageFolder } from '../../../src/storage/image-folder.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { avifOf, pngOf, SMALL_JPEG, webpOf } from '../../support/pictures.ts';
import { wordsOf } from '../../support/words.ts';
import { CREATED_AT } from '../core/sample-jobs.ts';
import { address, type HostileCdn, startHostileCdn, startRawServer } from './hostile-cdn.ts';

const MEGABYTE = 1024 ** 2;
const MAX = 30 * MEGABYTE;
/** What may be on its way in buffers when the bound is reached. */
const IN_FLIGHT = 4 * MEGABYTE;

const HALF_PNG = (await pngOf(16, 16)).slice(0, 60);
const HALF_WEBP = (await webpOf(16, 16)).slice(0, 60);
const systemLookup = (name: string): Promise<LookupAddress[]> => lookup(name, { all: true });

let cdn: HostileCdn;
let outside: string;
beforeEach(async () => {
  cdn = await startHostileCdn();
  outside = await mkdtemp(join(tmpdir(), 'flux-hostile-'));
  await mkdir(join(outside, 'pictures'));
});
afterEach(async () => {
  await cdn.close();
  await rm(outside, { recursive: true, force: true });
});

type Tried = { picture?: Picture; error?: FluxError };

/** Fetches from the CDN and saves what comes, as a job would. */
async function attempt(
  options: { url?: string; origin?: string; resolve?: () => Promise<LookupAddress[]> } = {},
): Promise<Tried> {
  const origin = options.origin ?? cdn.host.origin;
  const download = createImageDownload(
    { hosts: ['cdn.doitong.com'], apiOrigin: origin, userAgent: 'flux-pro-mcp/test' },
    { clock: createManualClock(undefined, { autoAdvance: true }), resolve: options.resolve ?? systemLookup },
  );
  try {
    const picture = await download.fetch(options.url ?? `${origin}/outputs/1.jpg`, new AbortController().signal);
    await createImageFolder(join(outside, 'pictures'), {
      clock: createManualClock(),
      isPicture: () => true,
    }).save(picture, LABEL);
    return { picture };
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    return { error };
  } finally {
    await download.close();
  }
}

const LABEL = {
  jobId: 'job_1',
  prompt: '../../../etc/cron.d/x',
  fileName: '..\\..\\con.jpg',
  createdAt: CREATED_AT,
  about: {},
};

/** Nobody inside was reached, and whatever was written lies in the folder. */
async function expectHarmless(): Promise<void> {
  expect(cdn.trap.connections).toBe(0);
  const { port } = new URL(cdn.host.origin);
  for (const connection of cdn.connected) expect(connection).toBe(`127.0.0.1 ${port}`);
  expect(await readdir(outside)).toEqual(['pictures']);
  const root = await realpath(join(outside, 'pictures'));
  for (const name of await readdir(root, { recursive: true })) {
    expect((await realpath(join(root, name))).startsWith(root + sep)).toBe(true);
    expect(name).not.toMatch(/\.part$/u);
  }
}

async function expectRefused(tried: Tried, message: RegExp): Promise<void> {
  expect(tried.error?.failure).toMatchObject({ kind: 'download_failed', creditsSpent: 'yes' });
  expect(wordsOf(tried.error).what).toMatch(message);
  expect(await readdir(join(outside, 'pictures'))).toEqual([]);
  await expectHarmless();
}

describe('a redirect', () => {
  it.each([
    ['to the metadata service', 'http://169.254.169.254/latest/meta-data/'],
    ['to it over https', 'https://169.254.169.254/latest/meta-data/'],
    ['to it by IPv6', 'http://[fd00:ec2::254]/'],
    ['to it by name', 'http://metadata.google.internal/computeMetadata/v1/'],
    ['to it without a scheme', '//169.254.169.254/'],
    ['to another port of this machine', 'http://127.0.0.1:TRAP/'],
    ['to it by name', 'http://localhost:TRAP/'],
    ['to it by IPv6', 'http://[::1]:TRAP/'],
    ['to the unspecified address', 'http://0.0.0.0:TRAP/'],
    ['to a decimal literal', 'http://2130706433:TRAP/'],
    ['to a hexadecimal literal', 'http://0x7f000001:TRAP/'],
    ['to an octal literal', 'http://0177.0.0.01:TRAP/'],
    ['to a short literal', 'http://127.1:TRAP/'],
    ['to full-width digits', 'http://１２７.０.０.１:TRAP/'],
    ['to a mapped literal', 'https://[::ffff:127.0.0.1]/'],
    ['to a NAT64 literal', 'https://[64:ff9b::7f00:1]/'],
    ['to a 6to4 literal', 'https://[2002:7f00:1::]/'],
    ['to a private literal', 'https://10.0.0.1/1.jpg'],
    ['to a file', 'file:///etc/passwd'],
    ['to data', 'data:image/jpeg;base64,/9j/'],
    ['to a script', 'javascript:alert(1)'],
    ['to another protocol', 'gopher://127.0.0.1:TRAP/_'],
    ['with user information', 'https://cdn.doitong.com@127.0.0.1/'],
    ['to a longer name', 'https://cdn.doitong.com.evil.test/1.jpg'],
    ['to a name with a dot at its end', 'https://cdn.doitong.com./1.jpg'],
    ['to another port of a listed host', 'https://cdn.doitong.com:8443/1.jpg'],
    ['to the listed host without https', 'http://cdn.doitong.com/1.jpg'],
    ['to no URL', 'http://[::1'],
  ])('%s is not followed: %s', async (_, location) => {
    const target = location.replace('TRAP', String(cdn.trap.port));
    cdn.host.answer((_request, response) =>
      response.writeHead(302, { location: Buffer.from(target).toString('latin1') }).end(),
    );
    await expectRefused(
      await attempt(),
      /not an https address|user name or password|host that pictures|names port|not a URL/u,
    );
  });

  it('is followed three times, each checked, and not a fourth time', async () => {
    const chain: RequestListener = ({ url = '' }, response) => {
      const step = Number(new URL(url, cdn.host.origin).searchParams.get('step'));
      if (step === 3) response.end(SMALL_JPEG);
      else response.writeHead([301, 307, 308][step] ?? 302, { location: `/outputs/1.jpg?step=${step + 1}` }).end();
    };
    cdn.host.answer(chain);
    expect((await attempt()).picture?.mediaType).toBe('image/jpeg');
    await rm(join(outside, 'pictures', '2026-11'), { recursive: true });
    cdn.host.answer(({ url = '' }, response) => response.writeHead(302, { location: `${url}x` }).end());
    await expectRefused(await attempt(), /redirected more than 3 times/u);
    expect(cdn.host.requests).toHaveLength(8);
  });

  it('without a target is an answer like any other', async () => {
    cdn.host.answer((_request, response) => response.writeHead(302).end());
    await expectRefused(await attempt(), /the host answered HTTP 302/u);
  });

  it('takes no cookie and no header along', async () => {
    cdn.host.answer(({ url }, response) => {
      const cookies = { 'set-cookie': 'session=1; Path=/' };
      if (url === '/outputs/1.jpg') response.writeHead(302, { ...cookies, location: '/outputs/2.jpg' }).end();
      else response.end(SMALL_JPEG);
    });
    await attempt();
    for (const { headers } of cdn.host.requests)
      expect(Object.keys(headers).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'host', 'user-agent']);
    await expectHarmless();
  });
});

describe('a listed host whose name leads', () => {
  it.each([
    ['to this machine', ['127.0.0.1']],
    ['to this machine by IPv6', ['::1']],
    ['to a private network', ['192.168.1.1']],
    ['to the metadata service', ['169.254.169.254']],
    ['outside and inside', ['8.8.8.8', '10.0.0.1']],
    ['to a mapped address', ['::ffff:10.0.0.1']],
    ['to an address behind NAT64', ['64:ff9b::a9fe:a9fe']],
    ['to an address behind 6to4', ['2002:7f00:1::']],
    ['to its own link', ['fe80::1']],
    ['nowhere', []],
  ])('%s is not connected to', async (_, addresses) => {
    let asked = 0;
    const resolve = async (): Promise<LookupAddress[]> => {
      asked += 1;
      return addresses.map(address);
    };
    const tried = await attempt({ url: 'https://cdn.doitong.com/outputs/1.jpg', resolve });
    expect(asked).toBe(1);
    expect([...cdn.connected]).toEqual([]);
    await expectRefused(tried, /resolves to this machine or a private network/u);
    expect(tried.error?.failure.retry).toBe('no');
  });

  it("elsewhere although it is the API's own name on this machine is not connected to", async () => {
    const origin = `http://localhost:${cdn.trap.port}`;
    const tried = await attempt({ origin, resolve: async () => [address('10.0.0.1')] });
    await expectRefused(tried, /resolves to/u);
  });
});

describe('a body', () => {
  const pump = (response: ServerResponse): void => {
    const chunk = Buffer.alloc(MEGABYTE, 0x41);
    Buffer.from(SMALL_JPEG).copy(chunk);
    const more = (): void => {
      while (!response.destroyed) if (!response.write(chunk)) return void response.once('drain', more);
    };
    more();
  };

  it('without an end is cut off at the bound', async () => {
    cdn.host.answer((_request, response) => pump(response));
    await expectRefused(await attempt(), /larger than 30 MB/u);
    expect(cdn.received()).toBeLessThan(MAX + IN_FLIGHT);
  });

  it.each(['31457281', '99999999999', '1000000000000000000'])(
    'of an announced length of %s is not read',
    async (length) => {
      cdn.host.answer((_request, response) => {
        response.writeHead(200, { 'content-length': length });
        response.write(SMALL_JPEG);
      });
      await expectRefused(await attempt(), /larger than 30 MB/u);
      expect(cdn.received()).toBeLessThan(MEGABYTE);
    },
  );

  it('shorter than announced never counts as whole', async () => {
    cdn.host.answer((_request, response) => {
      response.writeHead(200, { 'content-length': 5_000, etag: '"1"' });
      response.write(SMALL_JPEG, () => response.destroy());
    });
    await expectRefused(await attempt(), /could not be fetched/u);
  });

  it('longer than announced is cut off there, and does not count as whole', async () => {
    const head = `HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n`;
    const raw = await startRawServer(Buffer.concat([Buffer.from(head), SMALL_JPEG]));
    const tried = await attempt({ origin: raw.origin });
    raw.close();
    expect(wordsOf(tried.error).what).toMatch(/arrived incomplete|could not be fetched/u);
  });

  it('packed into a bomb is not unpacked beyond the bound', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * MEGABYTE));
    cdn.host.answer((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    await expectRefused(await attempt(), /larger than 30 MB/u);
  });

  it.each([
    ['HTML as image/jpeg', 'image/jpeg', '<!doctype html><script>alert(1)</script>', /an HTML page/u],
    ['SVG', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', /an SVG drawing/u],
    ['SVG as image/png', 'image/png', '<?xml version="1.0"?><svg/>', /an SVG drawing/u],
    ['JSON', 'application/json', '{"error":"expired"}', /JSON/u],
    ['a GIF that was cut off', 'image/gif', 'GIF89a', /arrived incomplete/u],
    ['an archive', 'image/jpeg', 'PK\u0003\u0004', /something else/u],
    ['a program', 'image/jpeg', 'MZ\u0090\u0000', /something else/u],
    ['the first line of a PDF', 'image/jpeg', '%PDF-1.7', /text/u],
    ['nothing', 'image/jpeg', '', /nothing/u],
  ])('that is %s is no picture', async (_, type, body, what) => {
    cdn.host.answer((_request, response) =>
      response.writeHead(200, { 'content-type': type }).end(Buffer.from(body, 'latin1')),
    );
    await expectRefused(await attempt(), what);
  });

  it.each([
    ['a JPEG mark with HTML behind it', Buffer.from('\u00ff\u00d8\u00ff\u00e0<script>alert(1)</script>', 'latin1')],
    ['half a PNG', HALF_PNG],
    ['half a WebP', HALF_WEBP],
    ['half an AVIF', avifOf(16, 16).slice(0, -1)],
  ])('of %s is told from a whole picture', async (_, body) => {
    cdn.host.answer((_request, response) => response.end(body));
    await expectRefused(await attempt(), /arrived incomplete/u);
  });

  it('that is a picture and an archive at once is saved as the picture that it is', async () => {
    const both = Buffer.concat([SMALL_JPEG, Buffer.from('PK\u0003\u0004<script>alert(1)</script>', 'latin1')]);
    cdn.host.answer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(both));
    expect((await attempt()).picture).toMatchObject({ mediaType: 'image/jpeg', extension: 'jpg' });
    const names = await readdir(join(outside, 'pictures', '2026-11'));
    expect(names.filter((name) => !/\.(?:jpg|json)$/u.test(name))).toEqual([]);
    await expectHarmless();
  });
});

describe('headers', () => {
  it.each([
    ['content-disposition', 'attachment; filename="../../../../etc/cron.d/x"'],
    ['content-disposition', "attachment; filename*=UTF-8''..%2f..%2fx.sh"],
    ['content-type', 'image/../../../x.sh'],
    ['content-location', '../../../x'],
  ])('that name another file name nothing: %s: %s', async (name, value) => {
    cdn.host.answer((_request, response) => response.writeHead(200, { [name]: value }).end(SMALL_JPEG));
    expect((await attempt()).picture?.extension).toBe('jpg');
    const [file] = (await readdir(join(outside, 'pictures', '2026-11'))).filter((one) => one.endsWith('.jpg'));
    expect(file).toMatch(/^con.*_job_1\.jpg$|^picture-con_job_1\.jpg$/u);
    expect(await readFile(join(outside, 'pictures', '2026-11', file ?? ''))).toEqual(Buffer.from(SMALL_JPEG));
    await expectHarmless();
  });

  it.each([
    ['that go on for ever', `HTTP/1.1 200 OK\r\n${'x-filler: 0123456789\r\n'.repeat(40_000)}`],
    ['of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['with a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nabc'],
    ['with two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef'],
  ])('%s end the attempt', async (_, text) => {
    const raw = await startRawServer(Buffer.from(text));
    const tried = await attempt({ origin: raw.origin });
    raw.close();
    expect(tried.error?.failure).toMatchObject({ kind: 'download_failed', retry: 'same_job' });
    expect(await readdir(join(outside, 'pictures'))).toEqual([]);
  });

  it('that claim a part nobody asked for are not believed', async () => {
    cdn.host.answer((_request, response) =>
      response.writeHead(206, { 'content-range': 'bytes 0-99/100' }).end(SMALL_JPEG),
    );
    await expectRefused(await attempt(), /only a part of it/u);
  });
});
