/** Proves over real connections that the listener reads within bounds, answers a bare status, and shares its port. */
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Log, RawWebhook, WebhookResult } from '../../../src/core/ports.ts';
import { createWebhookSink } from '../../../src/doitong/webhook.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { WebhookListener, type WebhookPatience } from '../../../src/transports/webhook.ts';
import { freePort } from '../../support/free-port.ts';
import { hexOf, PATH, SECRET } from '../doitong/webhook-vectors.ts';

const QUICK: WebhookPatience = { headersMs: 200, requestMs: 400, checkEveryMs: 50 };
const BODY = '{"id":"dt_1"}';

let said: string[] = [];
const line =
  (level: string) =>
  (message: string, fields: object = {}): void =>
    void said.push(`${level} ${message} ${JSON.stringify(fields)}`);
const log: Log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };

const listeners: WebhookListener[] = [];
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  said = [];
});

type Answers = (raw: RawWebhook) => Promise<WebhookResult> | WebhookResult;
type Options = { host?: string; patience?: WebhookPatience };

function listenerAt(port: number, { host = '127.0.0.1', ...options }: Options = {}, answers: Answers = () => 200) {
  const sink = async (raw: RawWebhook) => answers(raw);
  const listener = new WebhookListener({ host, port, publicUrl: 'https://flux.example', sink, log, ...options });
  listeners.push(listener);
  return listener;
}

async function open(answers: Answers = () => 200, options: Options = {}) {
  const heard: RawWebhook[] = [];
  const port = await freePort();
  const listener = listenerAt(port, options, (raw) => {
    heard.push(raw);
    return answers(raw);
  });
  await listener.open();
  return { port, heard, close: () => listener.close() };
}

/** Writes to a bare socket; resolves with all that came back once the connection is closed. */
async function talk(port: number, ...writes: (string | Buffer)[]): Promise<string> {
  return talkTo('127.0.0.1', port, ...writes);
}

async function talkTo(host: string, port: number, ...writes: (string | Buffer)[]): Promise<string> {
  const socket = connect(port, host);
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
    const { port } = await open(sink);
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
    // Else it would wait for ever: the limit of the test ends what hangs.
    expect(await talk(port, text)).toBe('');
    expect(heard).toEqual([]);
  });

  it('is cut off even if a byte comes now and then', async () => {
    const { port } = await open(() => 200, { patience: QUICK });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(post(1_000));
    // The limit of the test ends what hangs: the bytes would last for 40 s.
    let sent = 0;
    for (; !socket.closed; sent += 1) {
      socket.write('x');
      await sleep(40);
    }
    expect(sent).toBeLessThan(1_000);
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

const isOpen = async (port: number, host?: string): Promise<boolean> =>
  (await talkTo(host ?? '127.0.0.1', port, post(2), '{}')).startsWith('HTTP/1.1 200 ');

/** Somebody else at a port of its own. */
async function occupy(): Promise<{ port: number; leave: () => Promise<void> }> {
  const port = await freePort();
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { port, leave: () => new Promise((resolve) => void server.close(() => resolve())) };
}

describe('the port', () => {
  it('is opened when it is asked for, once, however often', async () => {
    const port = await freePort();
    const listener = listenerAt(port);
    expect(await isOpen(port)).toBe(false);
    await Promise.all([listener.open(), listener.open()]);
    await listener.open();
    expect(await isOpen(port)).toBe(true);
    expect(said).toEqual([expect.stringMatching(/^info listening for webhooks /u)]);
  });

  it('that is taken is tried again the next time', async () => {
    const { port, leave } = await occupy();
    const listener = listenerAt(port);
    await listener.open();
    expect(said).toEqual([expect.stringMatching(/^info the webhook port is taken/u)]);
    await leave();
    await listener.open();
    expect(await isOpen(port)).toBe(true);
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
  // A machine without the loopback address of IPv6 cannot listen there.
  it.skipIf(!hasIpv6)('may be one of IPv6', async () => {
    const { port } = await open(() => 200, { host: '::1' });
    expect(await isOpen(port, '::1')).toBe(true);
  });

  it.each([
    ['an address of another machine', { host: '192.0.2.1', port: 40_404 }],
    ['a host that is none', { host: 'no such host', port: 40_404 }],
    ['a port that is none', { host: '127.0.0.1', port: 70_000 }],
  ])('that cannot be had is warned of once, by its setting, and stops nothing else: %s', async (_name, address) => {
    const listener = listenerAt(address.port, address);
    await listener.open();
    await listener.open();
    expect(said).toEqual([expect.stringMatching(/^warn the webhook listener could not be opened; jobs are polled /u)]);
    expect(said[0]).toContain('DOITONG_WEBHOOK_LISTEN');
    expect(said[0]).toContain(address.host);
  });

  it('is closed twice without harm, and with it what is open', async () => {
    const { port, close, heard } = await open(() => new Promise<never>(() => undefined));
    const talking = talk(port, post(2), '{}');
    await expect.poll(() => heard.length).toBe(1);
    // The limit of the test ends what hangs.
    await Promise.all([close(), close()]);
    expect(await talking).toBe('');
    expect(await isOpen(port)).toBe(false);
  });

  it('is closed even in the midst of opening, and is opened no more', async () => {
    const port = await freePort();
    const listener = listenerAt(port);
    const opening = listener.open();
    await listener.close();
    await opening;
    await listener.open();
    expect(await isOpen(port)).toBe(false);
  });
});
