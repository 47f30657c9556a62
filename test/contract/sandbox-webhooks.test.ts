// Owns the proof of the sandbox's webhooks: body, signature, time and number, and that no listener can hurt the sandbox.

import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, type SandboxOptions, type ScenarioName, startSandbox } from '../../sandbox/sandbox.ts';
import { postWebhook, signWebhook } from '../../sandbox/webhooks.ts';

const START = Date.UTC(2026, 10, 20, 12, 0, 0);
const SECRET = 'a secret of the tests';
const FINISHED_MS = 1_150;
/** Long enough for the sandbox to read its clock a few times. */
const A_WHILE_MS = 100;

type Received = { method: string | undefined; path: string | undefined; headers: IncomingHttpHeaders; body: string };

let now = START;
let sandbox: Sandbox;
let received: Received[] = [];
const servers: Server[] = [];
beforeEach(() => {
  now = START;
  received = [];
});
afterEach(async () => {
  await sandbox?.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(answer: RequestListener = (_request, response) => response.end('thanks')): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method, url: path, headers } = request;
    received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function start(scenarios: readonly ScenarioName[], options: SandboxOptions = {}): Promise<void> {
  const usual = { now: () => now, jobDurationMs: 1_000, seed: 'webhooks', webhookSecret: SECRET };
  sandbox = await startSandbox({ ...usual, scenarios, ...options });
}

async function order(webhookUrl?: string, prompt = 'a fox', key = prompt): Promise<string> {
  const response = await fetch(`${sandbox.url}/v1/text_to_image`, {
    method: 'POST',
    headers: { 'x-api-key': sandbox.key, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ service: 'flux-pro', prompt, width: 512, height: 256, version: 'flux-pro', webhookUrl }),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { id: string }).id;
}

const delivered = () => sandbox.inspect().webhooks;

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) expect.fail(`not within 5 s: ${condition}; ${JSON.stringify(delivered())}`);
    await sleep(5);
  }
}

const expectedSignature = (body: string, secret = SECRET): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('webhooks', () => {
  it('posts the documented body when the job ends, once, signed over its bytes', async () => {
    const url = await listen();
    await start(['webhooks']);
    const id = await order(`${url}/hook?a=1`);
    await sleep(A_WHILE_MS);
    expect(received).toEqual([]);
    now += FINISHED_MS;
    await until(() => delivered().length === 1);
    await sleep(A_WHILE_MS);
    expect(received).toHaveLength(1);
    const [{ method, path, headers, body }] = received as [Received];
    expect([method, path, headers['content-type']]).toEqual(['POST', '/hook?a=1', 'application/json']);
    expect(headers['x-doitong-signature']).toBe(expectedSignature(body));
    const reported = JSON.parse(body);
    expect(reported).toEqual({
      id,
      status: 'completed',
      url: `${sandbox.url}/outputs/${id}.jpg`,
      service: 'flux-pro',
      createdAt: '2026-11-20T12:00:00.000Z',
      completedAt: expect.any(String),
      metadata: { duration: null, width: 512, height: 256 },
    });
    const tookMs = Date.parse(reported.completedAt) - START;
    expect(tookMs).toBeGreaterThanOrEqual(850);
    expect(tookMs).toBeLessThanOrEqual(FINISHED_MS);
    expect(delivered()).toEqual([{ jobId: id, url: `${url}/hook?a=1`, at: now, httpStatus: 200 }]);
    expect(sandbox.inspect().charges).toHaveLength(1);
  });

  it('announces a job once, however often its order is repeated', async () => {
    const url = await listen();
    await start(['webhooks', 'lost-reply']);
    await expect(order(url)).rejects.toThrow();
    const id = await order(url);
    now += FINISHED_MS;
    await until(() => delivered().length === 1);
    await sleep(A_WHILE_MS);
    expect(delivered()).toMatchObject([{ jobId: id, httpStatus: 200 }]);
    expect(received).toHaveLength(1);
    expect(sandbox.inspect().charges).toHaveLength(1);
  });

  it.each([
    ['failing', 'failed', 'FAILED'],
    ['moderated', 'moderated', 'MODERATED'],
  ] as const)('announces the end of a %s job', async (scenario, status, code) => {
    const url = await listen();
    await start(['webhooks', scenario]);
    await order(url);
    now += FINISHED_MS;
    await until(() => received.length === 1);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ status, url: null, metadata: { error: { code } } });
  });

  it('speaks as the other scenarios make it', async () => {
    const url = await listen();
    await start(['webhooks', 'shouting-status', 'expired-url', 'skewed-clock']);
    const id = await order(url);
    now += FINISHED_MS;
    await until(() => received.length === 1);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      id,
      status: 'SUCCEEDED',
      url: expect.stringContaining('?signature='),
      createdAt: new Date(START + 600_000).toISOString(),
    });
  });

  it('is not sent without the scenario, without a url, and for a job that never ends', async () => {
    const url = await listen();
    await start([]);
    await order(url);
    now += FINISHED_MS;
    await sleep(A_WHILE_MS);
    await sandbox.close();
    await start(['webhooks', 'never-finishing']);
    await order(url);
    await order(undefined, 'a hare');
    now += 3_600_000;
    await sleep(A_WHILE_MS);
    expect(received).toEqual([]);
    expect(delivered()).toEqual([]);
  });

  it('has a secret of its own where none is given', async () => {
    const url = await listen();
    sandbox = await startSandbox({ jobDurationMs: 0, scenarios: ['webhooks'] });
    expect(sandbox.webhookSecret).toMatch(/^sandbox-[0-9a-f]{24}$/);
    await order(url);
    await until(() => received.length === 1);
    const { headers, body } = received[0] as Received;
    expect(headers['x-doitong-signature']).toBe(expectedSignature(body, sandbox.webhookSecret));
  });
});

describe('the other webhook scenarios', () => {
  it('webhooks-forged lies about the url under a signature that does not fit', async () => {
    const url = await listen();
    await start(['webhooks-forged']);
    const id = await order(url);
    now += FINISHED_MS;
    await until(() => delivered().length === 1);
    const { headers, body } = received[0] as Received;
    expect(JSON.parse(body)).toMatchObject({
      id,
      status: 'completed',
      url: `https://forged.example/outputs/${id}.jpg`,
    });
    expect(headers['x-doitong-signature']).toMatch(/^sha256=[0-9a-f]{64}$/);
    expect(headers['x-doitong-signature']).not.toBe(expectedSignature(body));
  });

  it('webhooks-late comes a minute after the end', async () => {
    const url = await listen();
    await start(['webhooks-late']);
    await order(url);
    now += FINISHED_MS + 58_000;
    await sleep(A_WHILE_MS);
    expect(received).toEqual([]);
    now += 2_000;
    await until(() => delivered().length === 1);
    const { headers, body } = received[0] as Received;
    expect(headers['x-doitong-signature']).toBe(expectedSignature(body));
    expect(Date.parse(JSON.parse(body).completedAt)).toBeLessThanOrEqual(START + FINISHED_MS);
  });

  it('webhooks-twice sends the same bytes two times, also late and forged', async () => {
    const url = await listen();
    await start(['webhooks', 'webhooks-twice', 'webhooks-late', 'webhooks-forged']);
    await order(url);
    now += FINISHED_MS;
    await sleep(A_WHILE_MS);
    expect(received).toEqual([]);
    now += 60_000;
    await until(() => delivered().length === 2);
    expect(received).toHaveLength(2);
    expect(received[1]).toEqual(received[0]);
    expect(JSON.parse(received[0]?.body ?? '').url).toMatch(/^https:\/\/forged\.example\//);
  });
});

describe('a listener', () => {
  it('is reported as it answers: refused, redirected, broken off', async () => {
    const answers: RequestListener[] = [
      (_request, response) => response.writeHead(401).end(),
      (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
      (_request, response) =>
        response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy()),
      (_request, response) => response.destroy(),
    ];
    const url = await listen((request, response) => answers[Number(request.url?.slice(1))]?.(request, response));
    await start(['webhooks']);
    for (const index of answers.keys()) {
      await order(`${url}/${index}`, `fox ${index}`);
      now += FINISHED_MS;
      await until(() => delivered().length === index + 1);
    }
    expect(delivered().map(({ httpStatus, problem }) => problem ?? httpStatus)).toEqual([401, 302, 200, 'ECONNRESET']);
    expect(received.map(({ path }) => path)).toEqual(['/0', '/1', '/2', '/3']);
  });

  it('that is not there, speaks no HTTP or asks for another protocol hurts nobody', async () => {
    const gone = await listen();
    servers.splice(0).map((server) => server.close());
    await start(['webhooks']);
    const odd = await listen((request) => request.socket.end('this is no HTTP\r\n\r\n'));
    const upgrading = await listen((request) =>
      request.socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    );
    for (const [index, url] of [gone, odd, upgrading].entries()) await order(url, `fox ${index}`);
    now += FINISHED_MS;
    await until(() => delivered().length === 3);
    for (const { httpStatus, problem } of delivered()) {
      expect(httpStatus).toBe(0);
      expect(problem).toEqual(expect.stringMatching(/./));
    }
    expect((await fetch(`${sandbox.url}/sandbox/state`)).status).toBe(401);
  });

  it.each([
    ['http://192.0.2.1/hook', 'loopback'],
    ['https://example.com/hook', 'loopback'],
    ['http://127.0.0.1.example.com/hook', 'loopback'],
    ['http://localhost.example.com/hook', 'loopback'],
    ['http://127.0.0.1@example.com/hook', 'loopback'],
    ['http://0.0.0.0/hook', 'loopback'],
    ['http://[::ffff:192.0.2.1]/hook', 'loopback'],
    ['ftp://127.0.0.1/hook', 'only http and https'],
    ['file:///etc/hosts', 'only http and https'],
  ])('elsewhere is never called: %s', async (url, problem) => {
    await start(['webhooks'], { jobDurationMs: 0 });
    const jobId = await order(url);
    await until(() => delivered().length === 1);
    expect(delivered()).toEqual([{ jobId, url, at: START, httpStatus: 0, problem: expect.stringContaining(problem) }]);
  });

  it.each([
    'http://localhost:1/',
    'http://127.0.0.1:1/',
    'http://127.9.9.9:1/',
    'https://[::1]:1/',
    'http://2130706433:1/',
  ])('on this machine is called: %s', async (url) => {
    const signal = new AbortController().signal;
    const { problem } = await postWebhook({ url, body: '{}', headers: {}, timeoutMs: 2_000, signal });
    expect(problem).toMatch(/^E[A-Z]+$/);
  });

  it('has limited time', async () => {
    const url = await listen(() => {});
    const post = { url, body: '{}', headers: {}, timeoutMs: 50, signal: new AbortController().signal };
    expect(await postWebhook(post)).toEqual({ httpStatus: 0, problem: 'no answer within 50 ms' });
  });

  it('does not hold up the end of the sandbox, which then sends nothing more', async () => {
    const url = await listen(() => {});
    await start(['webhooks-twice']);
    await order(url);
    await order(url, 'a later one');
    now += FINISHED_MS;
    await until(() => received.length === 2);
    // The receiver never answers: the limit of the test ends what hangs.
    await sandbox.close();
    expect(delivered()).toHaveLength(2);
    for (const delivery of delivered())
      expect(delivery).toMatchObject({ httpStatus: 0, problem: 'the sandbox was closed' });
    now += FINISHED_MS;
    await sleep(A_WHILE_MS);
    expect(received).toHaveLength(2);
  });
});

describe('the signature', () => {
  it.each([
    // RFC 4231, test case 2; the others by an independent implementation.
    ['Jefe', 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    ['', '', 'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad'],
    [
      'key',
      'The quick brown fox jumps over the lazy dog',
      'f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8',
    ],
    ['geheim-ß', '{"prompt":"Füchse 🦊"}', 'dbdd17893a4fe0d505d5ec75b74728e551676c8b9a0b5a60ab0d31a3b7c06a3c'],
  ])('of secret %j over %j', (secret, body, hex) => {
    expect(signWebhook(body, secret)).toBe(`sha256=${hex}`);
    expect(signWebhook(Buffer.from(body), secret)).toBe(`sha256=${hex}`);
  });
});
