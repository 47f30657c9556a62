/** Proves the guarded download against a real host: bounds, refusals, and what is never sent. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import type { Picture } from '../../../src/core/image-store.ts';
import { createImageDownload } from '../../../src/images/download.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';
import { SMALL_JPEG } from '../../support/pictures.ts';
import { wordsOf } from '../../support/words.ts';
import { type PictureHost, startPictureHost } from './picture-host.ts';

const MEGABYTE = 1024 ** 2;
const JPEG = Buffer.from(SMALL_JPEG);

let host: PictureHost;
let clock: ManualClock;
let download: ReturnType<typeof createImageDownload>;

beforeEach(async () => {
  host = await startPictureHost();
  clock = createManualClock();
  download = createImageDownload({ hosts: [], apiOrigin: host.origin, userAgent: 'flux-pro-mcp/test' }, { clock });
});
afterEach(async () => {
  await download.close();
  await host.close();
});

const fetchPicture = (path = '/1.jpg', signal = new AbortController().signal): Promise<Picture> =>
  download.fetch(host.origin + path, signal);

async function failureOf(work: Promise<unknown>): Promise<Failure & { what: string; next: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FluxError)) throw new Error(`no failure: ${String(error)}`);
  expect(error.failure).toMatchObject({ kind: 'download_failed', creditsSpent: 'yes' });
  return { ...error.failure, ...wordsOf(error) };
}

describe('a picture', () => {
  it('is fetched whole and known by its bytes, whatever the host calls it', async () => {
    host.answer((_request, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(JPEG));
    const picture = await fetchPicture('/outputs/1.jpg?sig=a%20b');
    expect({ ...picture, bytes: Buffer.from(picture.bytes) }).toEqual({
      bytes: JPEG,
      mediaType: 'image/jpeg',
      extension: 'jpg',
      size: { width: 16, height: 16 },
    });
    expect(host.requests.map((request) => request.path)).toEqual(['/outputs/1.jpg?sig=a%20b']);
  });

  it('is asked for without key, cookie or referrer', async () => {
    host.answer((_request, response) => response.writeHead(200, { 'set-cookie': 'a=b' }).end(JPEG));
    await fetchPicture();
    await fetchPicture();
    for (const { headers } of host.requests) {
      const expected = ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'];
      expect(Object.keys(headers).sort()).toEqual(expected);
      expect(headers['user-agent']).toBe('flux-pro-mcp/test');
    }
  });

  it('leaves no timer behind', async () => {
    host.answer((_request, response) => response.end(JPEG));
    await fetchPicture();
    expect(clock.pending()).toBe(0);
  });
});

describe('a picture that is too large', () => {
  it('is cut off while it streams, and not asked for again', async () => {
    let sent = 0;
    host.answer((_request, response) => {
      const chunk = Buffer.alloc(MEGABYTE);
      JPEG.copy(chunk);
      const pump = (): void => {
        while (!response.destroyed && sent < 200 * MEGABYTE) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', pump);
        }
        response.end();
      };
      pump();
    });
    const failure = await failureOf(fetchPicture());
    expect(failure).toMatchObject({ what: 'The finished picture is larger than 30 MB.', retry: 'no' });
    expect(sent).toBeLessThan(100 * MEGABYTE);
  });

  it('is refused by its announced length before its body arrives', async () => {
    host.answer((_request, response) => {
      response.writeHead(200, { 'content-length': 31 * MEGABYTE });
      response.write(JPEG);
    });
    expect((await failureOf(fetchPicture())).what).toBe('The finished picture is larger than 30 MB.');
  });

  it('may have 30 MB to the byte', async () => {
    const bytes = Buffer.alloc(30 * MEGABYTE);
    JPEG.copy(bytes);
    host.answer((_request, response) => response.end(bytes));
    expect((await fetchPicture()).bytes).toHaveLength(30 * MEGABYTE);
  });
});

describe('an answer that is no picture', () => {
  it.each([204, 302, 403, 404, 410, 416, 500, 503])('is reported by its status %d', async (status) => {
    host.answer((_request, response) => response.writeHead(status).end(status === 204 ? undefined : JPEG));
    const failure = await failureOf(fetchPicture());
    expect(failure).toMatchObject({
      what: `The finished picture could not be fetched: the host answered HTTP ${status}.`,
      retry: 'same_job',
    });
  });

  it.each([
    ['an HTML page', '<!doctype html><title>Sign in</title>'],
    ['an SVG drawing', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['nothing', ''],
    ['JSON', '{"error":"expired"}'],
    ['something else', 'PK\u0003\u0004'],
    ['text', 'Not found'],
  ])('is refused when it is %s under a picture type', async (what, body) => {
    host.answer((_request, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(body));
    expect((await failureOf(fetchPicture())).what).toBe(`What the service delivered is ${what}, not a picture.`);
  });
});

describe('a connection', () => {
  it('that breaks before the answer can be tried again for the same job', async () => {
    host.answer((request) => request.socket.destroy());
    const failure = await failureOf(fetchPicture());
    expect(failure.retry).toBe('same_job');
    expect(failure.what).toMatch(/^The finished picture could not be fetched: .+\.$/u);
  });

  it('that breaks within the picture never gives half a picture', async () => {
    host.answer((_request, response) => {
      response.writeHead(200, { 'content-length': JPEG.length });
      response.write(JPEG.subarray(0, 5), () => response.destroy());
    });
    expect((await failureOf(fetchPicture())).retry).toBe('same_job');
  });

  it('that is refused names the reason', async () => {
    await host.close();
    expect((await failureOf(fetchPicture())).what).toContain(': the connection was refused.');
  });

  it('that falls silent within the picture is given up', async () => {
    const impatient = createImageDownload(
      { hosts: [], apiOrigin: host.origin, userAgent: 'flux-pro-mcp/test' },
      { clock, idleMs: 300 },
    );
    host.answer((_request, response) => void response.writeHead(200).write(JPEG.subarray(0, 50)));
    const failure = await failureOf(impatient.fetch(`${host.origin}/1.jpg`, new AbortController().signal));
    expect(failure).toMatchObject({ retry: 'same_job', what: expect.stringContaining('UND_ERR_BODY_TIMEOUT') });
    await impatient.close();
  });

  it('that stalls ends at the deadline of 120 s', async () => {
    const arrived = new Promise<void>((resolve) => host.answer(() => resolve()));
    const failing = failureOf(fetchPicture());
    await arrived;
    await clock.advance(119_999);
    expect(clock.pending()).toBe(1);
    await clock.advance(1);
    expect((await failing).what).toBe('The finished picture could not be fetched: it took longer than 2 minutes.');
  });

  it('ends at once when the caller aborts, with the reason of the caller', async () => {
    const caller = new AbortController();
    host.answer((request, response) => {
      response.writeHead(200).write(JPEG);
      request.socket.on('error', () => undefined);
      caller.abort(new Error('the server is ending'));
    });
    await expect(fetchPicture('/1.jpg', caller.signal)).rejects.toThrow('the server is ending');
    expect(clock.pending()).toBe(0);
  });
});

describe('an address that is refused', () => {
  it('is never asked, and a refused host names the setting', async () => {
    const failure = await failureOf(download.fetch('https://pictures.example.org/1.jpg', new AbortController().signal));
    expect(failure.retry).toBe('no');
    expect(failure.what).toContain('"pictures.example.org"');
    expect(failure.next).toContain('DOITONG_DOWNLOAD_HOSTS');
    expect(host.requests).toEqual([]);
  });

  it('for another reason than its host does not send the user to that setting', async () => {
    const failure = await failureOf(download.fetch('http://127.0.0.1:1/1.jpg', new AbortController().signal));
    expect(failure.retry).toBe('no');
    expect(failure.next).toBe(
      'Ask the user to look for this picture in the account at Doitong: this server does not fetch it from that address.',
    );
  });
});

describe('close', () => {
  it('ends what is under way', async () => {
    const arrived = new Promise<void>((resolve) => host.answer(() => resolve()));
    const failing = failureOf(fetchPicture());
    await arrived;
    await download.close();
    expect((await failing).retry).toBe('same_job');
  });
});
