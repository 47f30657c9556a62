/** Proves over real connections that the listener reads within bounds, answers a bare status, and shares its port. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../../../src/core/log.ts';
import type { RawWebhook, WebhookResult } from '../../../src/core/webhook-sink.ts';
import { createWebhookSink } from '../../../src/doitong/webhook.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { openWebhookListener, type WebhookPatience } from '../../../src/transports/webhook.ts';
import { hexOf, PATH, SECRET } from '../doitong/webhook-vectors.ts';

const QUICK: WebhookPatience = { headersMs: 200, requestMs: 400, checkEveryMs: 50 };
const BODY = '{"id":"dt_1"}';
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

type Answers = (raw: RawWebhook) => Promise<WebhookResult> | WebhookResult;

async function open(answers: Answers = () => 200, options: { host?: string; patience?: WebhookPatience } = {}) {
  const heard: RawWebhook[] = [];
  const accept = async (raw: RawWebhook): Promise<WebhookResult> => {
    heard.push(raw);
    return answers(raw);
  };
  const listener = await openWebhookListener({ port: 0, sink: { accept }, log, ...options });
  if (listener.taken) throw new Error('a free port was taken');
  closers.push(listener.close);
  return { ...listener, port: listener.address.port, heard };
}

/** Writes to a bare socket; resolves with all that came back once the connection is closed. */
async function talk(port: number, ...writes: (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  // A connection that is cut in the middle of a body ends with a reset.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  for (const write of writes) socket.write(write);
  await closed;
  return text;
}

const post = (length: number, path = PATH, more = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n${more}\r\n`;

describe('a request', () => {
  it('reaches the sink as it came', async () => {
    const { port, heard } = await open();
    const head = 'X-Doitong-Signature: one\r\nx-doitong-signature:  two \r\n';
    await talk(port, post(5, `${PATH}?a=b`, head), Buffer.from([0xef, 0xbb, 0xbf, 0x00, 0xff]));
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({ method: 'POST', path: `${PATH}?a=b` });
    expect(heard[0]?.headers.slice(4)).toEqual(['X-Doitong-Signature', 'one', 'x-doitong-signature', 'two']);
    expect([...(heard[0]?.body ?? [])]).toEqual([0xef, 0xbb, 0xbf, 0x00, 0xff]);
  });

  it('keeps a doubled header behind two thousand others', async () => {
    const { port, heard } = await open();
    await talk(port, post(0, PATH, `X-Doitong-Signature: a\r\n${'a:\r\n'.repeat(1_990)}X-Doitong-Signature: b\r\n`));
    expect(heard[0]?.headers.filter((name) => name === 'X-Doitong-Signature')).toHaveLength(2);
  });

  it.each([200, 401, 404, 413, 503] as const)('is answered %i and nothing else', async (status) => {
    const { port } = await open(() => status);
    const answer = await talk(port, post(2), '{}');
    expect(answer.split('\r\n').map((line) => line.replace(/^Date: .*/u, 'Date'))).toEqual([
      expect.stringMatching(new RegExp(`^HTTP/1.1 ${status} `, 'u')),
      'Content-Length: 0',
      'Connection: close',
      'Date',
      '',
      '',
    ]);
  });

  it('that meets a defect is answered without detail', async () => {
    const { port } = await open(() => Promise.reject(new Error('secret detail')));
    const answer = await talk(port, post(2), '{}');
    expect(answer).toMatch(/^HTTP\/1\.1 503 /u);
    expect(answer).not.toContain('detail');
  });

  it('of the service passes the true sink, with whatever spaces HTTP allows around the signature', async () => {
    const markers: string[] = [];
    const deps = { knows: async () => true, addMarker: async (id: string) => void markers.push(id) };
    const sink = createWebhookSink({ secret: SECRET, path: PATH, clock: systemClock, log, ...deps });
    const { port } = await open((raw) => sink.accept(raw));
    const signature = `X-Doitong-Signature: \t sha256=${hexOf(BODY)} \t\r\n`;
    expect(await talk(port, post(BODY.length, PATH, signature), BODY)).toMatch(/^HTTP\/1\.1 200 /u);
    expect(await talk(port, post(BODY.length, PATH), BODY)).toMatch(/^HTTP\/1\.1 401 /u);
    expect(await talk(port, post(BODY.length, '/', signature), BODY)).toMatch(/^HTTP\/1\.1 404 /u);
    expect(await talk(port, `GET ${PATH} HTTP/1.1\r\nHost: localhost\r\n${signature}\r\n`)).toMatch(
      /^HTTP\/1\.1 404 /u,
    );
    expect(await talk(port, post(65_537, PATH, signature), Buffer.alloc(65_537))).toMatch(/^HTTP\/1\.1 413 /u);
    expect(markers).toEqual(['dt_1']);
  });
});

describe('what is too much', () => {
  it('is read to one byte over the limit, and the connection is closed', async () => {
    const { port, heard } = await open(() => 413);
    await talk(port, post(50_000_000), Buffer.alloc(2_000_000));
    expect(heard.map(({ body }) => body.length)).toEqual([65_537]);
  });

  it('is not taken in while the sink thinks', async () => {
    const { port } = await open(() => new Promise<never>(() => undefined));
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    let taken = 0;
    const push = (): void => {
      socket.write(Buffer.alloc(500_000), (error) => {
        if (error) return;
        taken += 1;
        push();
      });
    };
    socket.write(post(1_000_000_000));
    push();
    // The system takes some of it for the listener; then the sender waits.
    await sleep(400);
    const before = taken;
    await sleep(400);
    socket.destroy();
    expect(taken).toBe(before);
  });

  it('is not a body of exactly the limit', async () => {
    const { port, heard } = await open();
    expect(await talk(port, post(65_536), Buffer.alloc(65_536))).toMatch(/^HTTP\/1\.1 200 /u);
    expect(heard.map(({ body }) => body.length)).toEqual([65_536]);
  });

  it('is found in chunks as well', async () => {
    const { port, heard } = await open(() => 413);
    const chunk = Buffer.concat([Buffer.from('8000\r\n'), Buffer.alloc(0x8000), Buffer.from('\r\n')]);
    const head = `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`;
    await talk(port, head, chunk, chunk, chunk);
    expect(heard.map(({ body }) => body.length)).toEqual([65_537]);
  });

  it('of headers is cut off', async () => {
    const { port, heard } = await open();
    expect(await talk(port, post(0, PATH, `X-Long: ${'a'.repeat(9_000)}\r\n`))).toBe('');
    expect(heard).toEqual([]);
  });

  it('of connections is turned away, and the listener takes the next one', async () => {
    const { port } = await open();
    const idle = Array.from({ length: 32 }, () => connect(port, '127.0.0.1'));
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    expect(await talk(port, post(2), '{}')).toBe('');
    for (const socket of idle) socket.destroy();
    await expect.poll(() => talk(port, post(2), '{}'), { timeout: 5_000 }).toMatch(/^HTTP\/1\.1 200 /u);
  });
});

describe('who is too slow', () => {
  it.each([
    ['says nothing', ''],
    ['never ends its headers', 'POST / HTTP/1.1\r\nX-A: b\r\n'],
    ['never ends its body', `${post(1_000)}{"id":`],
  ])('is cut off: %s', async (_name, text) => {
    const { port, heard } = await open(() => 200, { patience: QUICK });
    const begun = performance.now();
    expect(await talk(port, text)).toBe('');
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(heard).toEqual([]);
  });

  it('is cut off even if a byte comes now and then', async () => {
    const { port } = await open(() => 200, { patience: QUICK });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const begun = performance.now();
    socket.write(post(1_000));
    while (!socket.closed && performance.now() - begun < 5_000) {
      socket.write('x');
      await sleep(40);
    }
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  it('and goes before the end is not heard', async () => {
    const { port, heard } = await open();
    const socket = connect(port, '127.0.0.1');
    socket.end(`${post(1_000)}{"id":`);
    await new Promise((resolve) => socket.once('close', resolve).resume());
    expect(heard).toEqual([]);
  });

  it('or speaks another language is cut off', async () => {
    const { port } = await open();
    expect(await talk(port, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc')).toBe('');
  });
});

describe('the port', () => {
  it('belongs to the first; the second learns that it is taken', async () => {
    const first = await open();
    const sink = { accept: async (): Promise<WebhookResult> => 200 };
    expect(await openWebhookListener({ port: first.port, sink, log })).toEqual({ taken: true });
    await first.close();
    const second = await openWebhookListener({ port: first.port, sink, log });
    expect(second.taken).toBe(false);
    if (!second.taken) await second.close();
  });

  it('is one of this machine alone unless a host is given', async () => {
    expect((await open()).address.host).toBe('127.0.0.1');
    expect((await open(() => 200, { host: '0.0.0.0' })).address.host).toBe('0.0.0.0');
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
  // A machine without the loopback address of IPv6 cannot listen there.
  it.skipIf(!hasIpv6)('takes an address of IPv6, with brackets or without', async () => {
    expect((await open(() => 200, { host: '::1' })).address.host).toBe('::1');
    expect((await open(() => 200, { host: '[::1]' })).address.host).toBe('::1');
  });

  it.each([
    ['an address of another machine', { host: '192.0.2.1', port: 0 }],
    ['a host that is none', { host: 'no such host', port: 0 }],
    ['a port that is none', { host: '127.0.0.1', port: 70_000 }],
  ])('that cannot be had is an error that names the setting: %s', async (_name, address) => {
    const opening = openWebhookListener({ ...address, sink: { accept: async () => 200 }, log });
    await expect(opening).rejects.toMatchObject({
      failure: {
        kind: 'bad_input',
        creditsSpent: 'no',
        message: expect.stringContaining('DOITONG_WEBHOOK_LISTEN'),
        remedy: expect.stringContaining('DOITONG_WEBHOOK_LISTEN'),
      },
    });
  });

  it('is closed twice without harm, and with it what is open', async () => {
    const { port, close, heard } = await open(() => new Promise<never>(() => undefined));
    const talking = talk(port, post(2), '{}');
    await expect.poll(() => heard.length).toBe(1);
    const begun = performance.now();
    await Promise.all([close(), close()]);
    expect(await talking).toBe('');
    expect(performance.now() - begun).toBeLessThan(2_000);
    await expect(
      new Promise((_resolve, reject) => void request({ port, host: '127.0.0.1' }).on('error', reject).end()),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
