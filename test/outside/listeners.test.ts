/** The listeners of the program, as a page in a browser can reach them: by a foreign name, from a foreign origin. */
import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { unpackPackage } from '../support/packed-program.ts';
import { RawHost } from '../support/raw-host.ts';
import { jobAnswer, startScriptedService } from '../support/scripted-service.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

type Sent = { method?: string; path: string; headers?: Record<string, string | string[]>; body?: string };
type Received = { status: number; body: string };

function send(port: number, { method = 'GET', path, headers = {}, body }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    call.on('error', reject).end(body);
  });
}

/** The status of an answer to bytes that no HTTP client would send. */
function sendRaw(port: number, head: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(head));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (/\r\n\r\n/.test(text)) socket.destroy();
    });
    socket.on('error', reject).on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0)));
  });
}

const LOOPBACK = ['localhost', 'LocalHost:1', '127.0.0.1:80', '[::1]', '[::1]:65535'];
const FOREIGN = [
  'evil.example',
  'evil.example:80',
  'localhost.evil.example',
  'evil.localhost',
  'localhost.',
  '127.0.0.1.evil.example',
  '127.0.0.2',
  '0.0.0.0',
  '2130706433',
  '0x7f.1',
  '[::ffff:127.0.0.1]',
  'user@localhost',
  'localhost:80:80',
  'localhost, evil.example',
];
const ORIGINS = [
  'http://evil.example',
  'https://localhost.evil.example',
  'null',
  'file://',
  'http://127.0.0.1.evil.example',
  '',
];

describe('the sandbox', () => {
  let port: number;
  let key: string;

  beforeAll(async () => {
    const program = await packed.start(['sandbox']);
    await new Promise((resolve) => program.child.stdout.once('data', resolve));
    const said = JSON.parse(program.stdout()) as { url: string; key: string };
    port = Number(new URL(said.url).port);
    key = said.key;
  });

  const paths = (): Sent[] => [
    { path: '/sandbox/state', headers: { 'x-api-key': key } },
    {
      path: '/graphql',
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    },
    { path: '/v1/text_to_image/none', headers: { 'x-api-key': key } },
    { path: '/outputs/none.jpg' },
    { path: '/nothing' },
  ];

  it.each(FOREIGN)('is closed to a foreign Host: "%s"', async (host) => {
    for (const sent of paths())
      expect((await send(port, { ...sent, headers: { ...sent.headers, host } })).status, sent.path).toBe(403);
  });

  it.each(ORIGINS)('is closed to a foreign Origin: "%s"', async (origin) => {
    for (const sent of paths())
      expect((await send(port, { ...sent, headers: { ...sent.headers, origin } })).status, sent.path).toBe(403);
  });

  it('is closed to two Hosts, to an empty one and to none', async () => {
    const head = `GET /sandbox/state HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nX-API-Key: ${key}\r\n\r\n`;
    // Node's own parser may refuse it first.
    expect([400, 403]).toContain(await sendRaw(port, head));
    expect(await sendRaw(port, `GET /sandbox/state HTTP/1.1\r\nHost:\r\nX-API-Key: ${key}\r\n\r\n`)).toBe(403);
    expect(await sendRaw(port, `GET /sandbox/state HTTP/1.0\r\nX-API-Key: ${key}\r\n\r\n`)).toBe(403);
  });

  it.each(LOOPBACK)('is open to this machine: %s', async (host) => {
    const origin = 'http://localhost:3000';
    for (const headers of [
      { host, 'x-api-key': key },
      { host, authorization: `Bearer ${key}` },
      { host, origin, 'x-api-key': key },
    ])
      expect((await send(port, { path: '/sandbox/state', headers })).status).toBe(200);
  });

  it('tells its state to nobody without the key', async () => {
    for (const headers of [
      {},
      { 'x-api-key': 'wrong' },
      { authorization: 'Bearer ' },
      { authorization: `Basic ${key}` },
    ]) {
      const { status, body } = await send(port, { path: '/sandbox/state', headers: headers as Record<string, string> });
      expect(status).toBe(401);
      expect(body).not.toContain('charges');
    }
    expect((await send(port, { path: `/sandbox/state?key=${key}` })).status).toBe(401);
  });
});

describe('the listener for webhooks', () => {
  const SECRET = 'a-secret-for-webhooks';
  const BODY = JSON.stringify({ id: 'remote-1', status: 'completed' });
  const signature = `sha256=${createHmac('sha256', SECRET).update(BODY).digest('hex')}`;
  const post = (headers: Record<string, string>): Sent => ({
    method: 'POST',
    path: '/hooks/flux',
    headers: { 'content-type': 'application/json', 'x-doitong-signature': signature, ...headers },
    body: BODY,
  });

  /** A server that has ordered, and so listens. */
  async function listening(listen: string): Promise<number> {
    const port = await freePort();
    const service = await startScriptedService({ submit: () => jobAnswer({ id: 'remote-1', status: 'processing' }) });
    const program = await packed.start(['serve', '--log-level', 'warn'], {
      env: {
        ...service.env,
        DOITONG_WEBHOOK_URL: 'https://Flux.Example.com/hooks/flux',
        DOITONG_WEBHOOK_SECRET: SECRET,
        DOITONG_WEBHOOK_LISTEN: `${listen}${port}`,
      },
    });
    const host = new RawHost(program);
    await host.handshake();
    await host.call('generate_image', { prompt: 'A heron', wait_seconds: 0 });
    await expect.poll(() => send(port, { path: '/' }).catch(() => undefined), { timeout: 20_000 }).toBeDefined();
    return port;
  }

  it('is open to the public name, to this machine and to nobody else', async () => {
    const port = await listening('');
    for (const host of ['flux.example.com', 'FLUX.example.com:443', ...LOOPBACK])
      expect((await send(port, post({ host }))).status, host).toBeLessThan(300);
    for (const host of [...FOREIGN, 'example.com', 'a.flux.example.com', '192.0.2.7'])
      expect((await send(port, post({ host }))).status, host).toBe(403);
    for (const origin of [...ORIGINS, 'https://flux.example.com', 'http://localhost'])
      expect((await send(port, post({ host: 'flux.example.com', origin }))).status, origin).toBe(403);
  });

  it('that listens on all addresses may be called by any of them, by no other name', async () => {
    const port = await listening('0.0.0.0:');
    for (const host of ['192.0.2.7', `192.0.2.7:${port}`, '0.0.0.0', 'flux.example.com', 'localhost'])
      expect((await send(port, post({ host }))).status, host).toBeLessThan(300);
    for (const host of ['evil.example', '192.0.2.7.evil.example', 'localhost.evil.example'])
      expect((await send(port, post({ host }))).status, host).toBe(403);
  });
});
