// Owns the network's malice in tests: a proxy in front of a sandbox that loses, delays and mangles answers by script.

import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { leaveHanging } from './open-exchanges.ts';

/** A fixed answer instead of the sandbox's own; with `forward`, the sandbox acts on the request first. */
export type CustomFault = {
  status: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  forward?: boolean;
};

export type FaultName =
  | 'pass'
  /** The socket is destroyed; the sandbox never hears of the request. */
  | 'drop-before'
  /** The sandbox acts; the socket is destroyed without an answer. */
  | 'drop-after'
  /** The sandbox acts; no answer ever comes. */
  | 'stall'
  /** Nothing happens at all. */
  | 'stall-before'
  /** Half of the answer under the length of the whole, then the end of the connection. */
  | 'truncate'
  /** Half of the answer as if it were all. */
  | 'truncate-clean'
  /** A page instead of an answer, after the sandbox has acted. */
  | 'html-200'
  | 'html-502'
  | 'html-502-after'
  | 'status-500-before'
  | 'status-500-after'
  | 'status-503'
  /** 302 to another path of this server; `requests()` shows whether anyone went there. */
  | 'redirect'
  /** 429 that says nothing of when to come back. */
  | '429'
  /** 429 with `Retry-After: 1`. */
  | '429-retry-after';

export type Fault = FaultName | CustomFault;

/** What a script is for; `any` means every POST that no other script has a fault for. */
export type FaultTarget = 'submit' | 'status' | 'introspection' | 'picture' | 'any';

export type ProxiedRequest = {
  method: string;
  path: string;
  target: FaultTarget | 'other';
  idempotencyKey: string | undefined;
  fault: FaultName | 'custom';
};

export type FaultServer = {
  url: string;
  /** Adds faults to the script for a kind of request, by default submissions; each request takes one, then all pass. */
  script(faults: readonly Fault[], on?: FaultTarget): void;
  /** From now on the account is reached with the new key, and with the old one no more. */
  rotateKey(from: string, to: string): void;
  /** Drops what is left of a script. */
  heal(on: FaultTarget): void;
  /** What arrived, oldest first. */
  requests(): ProxiedRequest[];
  close(): Promise<void>;
};

type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

const HTML = '<!doctype html><html><body><h1>Bad gateway</h1></body></html>';
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'proxy-connection'];

const errorAnswer = (status: number, message: string, headers: Record<string, string> = {}): CustomFault => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ errors: [{ message }] }),
});
const htmlAnswer = (status: number, forward: boolean): CustomFault => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: HTML,
  forward,
});

const fixedAnswers: Partial<Record<FaultName, CustomFault>> = {
  'html-200': htmlAnswer(200, true),
  'html-502': htmlAnswer(502, false),
  'html-502-after': htmlAnswer(502, true),
  'status-500-before': errorAnswer(500, 'Internal server error'),
  'status-500-after': { ...errorAnswer(500, 'Internal server error'), forward: true },
  'status-503': errorAnswer(503, 'Service unavailable'),
  '429': errorAnswer(429, 'Rate limit exceeded'),
  '429-retry-after': errorAnswer(429, 'Rate limit exceeded', { 'retry-after': '1' }),
};

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function targetOf(method: string, path: string, body: string): FaultTarget | 'other' {
  if (path.startsWith('/outputs/')) return 'picture';
  if (method === 'GET' && path.startsWith('/v1/text_to_image/')) return 'status';
  if (method !== 'POST') return 'other';
  if (path === '/v1/text_to_image') return 'submit';
  if (path !== '/graphql') return 'other';
  let query = '';
  try {
    query = String((JSON.parse(body) as { query?: unknown }).query);
  } catch {
    return 'other';
  }
  if (/^\s*mutation\b/m.test(query)) return 'submit';
  return /\b__(schema|type)\b/.test(query) ? 'introspection' : 'status';
}

function forward(origin: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const headers = { ...incoming.headers };
  for (const name of [...HOP_BY_HOP, 'host', 'expect']) delete headers[name];
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(incoming.url ?? '/', origin),
      { method: incoming.method, headers: { ...headers, 'content-length': body.length }, agent: false },
      (response) => {
        readAll(response).then(
          (answer) => resolve({ status: response.statusCode ?? 502, headers: response.headers, body: answer }),
          reject,
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export async function startFaultServer(sandboxUrl: string): Promise<FaultServer> {
  const scripts = new Map<FaultTarget, Fault[]>();
  const arrived: ProxiedRequest[] = [];
  const rotated = new Map<string, string>();
  let url = '';

  const nextFault = (method: string, target: FaultTarget | 'other'): Fault => {
    const own = target === 'other' ? undefined : scripts.get(target)?.shift();
    if (own !== undefined) return own;
    return (method === 'POST' ? scripts.get('any')?.shift() : undefined) ?? 'pass';
  };

  /** Links in answers lead through this proxy, too. */
  const rewrite = ({ status, headers, body }: Answer): Answer => {
    const kept = { ...headers };
    for (const name of HOP_BY_HOP) delete kept[name];
    if (kept.location !== undefined) kept.location = kept.location.replaceAll(sandboxUrl, url);
    if (!headers['content-type']?.includes('json')) return { status, headers: kept, body };
    return { status, headers: kept, body: Buffer.from(body.toString('utf8').replaceAll(sandboxUrl, url)) };
  };

  const send = (response: ServerResponse, { status, headers, body }: Answer, isHead: boolean): void => {
    const length = isHead ? headers['content-length'] : body.length;
    response.writeHead(status, { ...headers, ...(length !== undefined && { 'content-length': length }) });
    response.end(isHead ? undefined : body);
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = incoming.method ?? 'GET';
    const path = incoming.url ?? '/';
    const body = await readAll(incoming);
    const target = targetOf(method, path, body.toString('utf8'));
    const fault = nextFault(method, target);
    const name = typeof fault === 'string' ? fault : 'custom';
    const { authorization = '' } = incoming.headers;
    for (const [from, to] of rotated) {
      if (authorization === `Bearer ${to}`) incoming.headers.authorization = `Bearer ${from}`;
      if (authorization === `Bearer ${from}`) incoming.headers.authorization = 'Bearer a-key-of-nobody';
    }
    const key = incoming.headers['idempotency-key'];
    arrived.push({ method, path, target, idempotencyKey: Array.isArray(key) ? key[0] : key, fault: name });

    const answered = async (): Promise<Answer> => rewrite(await forward(sandboxUrl, incoming, body));
    const fixed = typeof fault === 'string' ? fixedAnswers[fault] : fault;
    if (fixed) {
      if (fixed.forward) await answered();
      // The sandbox's clock is a test's own: this machine's time would be another one.
      response.sendDate = false;
      send(
        response,
        { status: fixed.status, headers: { ...fixed.headers }, body: Buffer.from(fixed.body ?? '') },
        false,
      );
      return;
    }
    switch (name) {
      case 'drop-before':
        response.destroy();
        return;
      case 'drop-after':
        await answered();
        response.destroy();
        return;
      case 'stall':
        await answered();
        leaveHanging(incoming);
        return;
      case 'stall-before':
        leaveHanging(incoming);
        return;
      case 'truncate': {
        const answer = await answered();
        response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
        response.write(answer.body.subarray(0, answer.body.length >> 1), () => response.destroy());
        return;
      }
      case 'truncate-clean': {
        const answer = await answered();
        send(response, { ...answer, body: answer.body.subarray(0, answer.body.length >> 1) }, false);
        return;
      }
      case 'redirect':
        response.writeHead(302, { location: `${url}/redirected` }).end();
        return;
      default:
        send(response, await answered(), method === 'HEAD');
    }
  };

  const server = createServer((incoming, response) => {
    // A caller that went away, or a sandbox that was stopped: either way there is nobody to answer.
    handle(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    heal: (on) => void scripts.delete(on),
    script(faults, on = 'submit') {
      scripts.set(on, [...(scripts.get(on) ?? []), ...faults]);
    },
    rotateKey: (from, to) => void rotated.set(from, to),
    requests: () => arrived.map((entry) => ({ ...entry })),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
