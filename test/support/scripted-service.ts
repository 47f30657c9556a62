/**
 * A service that says exactly what a test has written, for answers that the sandbox never gives.
 *
 * What it cannot know: whether the real service would ever answer so. It checks no key, no schema and no limit, keeps
 * no idempotency keys and charges nothing; tests of money use the sandbox.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type ScriptedRequest = {
  kind: 'submit' | 'status' | 'picture';
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Counted for each kind, from 1. */
  number: number;
};

/** An object as body is sent as JSON. `raw` is written to the socket as it is, in place of an HTTP answer. */
export type ScriptedAnswer =
  | { status?: number; headers?: Record<string, string | string[]>; body?: string | Uint8Array | object }
  | { raw: string | Uint8Array };

type Script = (request: ScriptedRequest, origin: string) => ScriptedAnswer | Promise<ScriptedAnswer>;

export type ScriptedService = {
  url: string;
  /** What arrived, oldest first. */
  requests: ScriptedRequest[];
  /** Settings with which the program asks this service without finding out anything first. */
  env: Record<string, string>;
  close(): Promise<void>;
};

export const SCRIPTED_KEY = 'scripted-service-key';

/** The answer that a documented service gives: the job under the alias that the program asks for. */
export const jobAnswer = (job: Record<string, unknown>): ScriptedAnswer => ({ body: { data: { job } } });

/** Lines on stderr, without the one that names this service, which is another one than the provider's. */
export function printedIn(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.includes('Orders and the key go to an address'));
}

/** By default an order is taken as `remote-1`, is completed at once, and its picture is not there. */
export async function startScriptedService(
  scripts: { submit?: Script; status?: Script; picture?: Script } = {},
): Promise<ScriptedService> {
  const requests: ScriptedRequest[] = [];
  const sockets = new Set<Socket>();
  const done = (_: ScriptedRequest, origin: string): ScriptedAnswer =>
    jobAnswer({ id: 'remote-1', status: 'completed', url: `${origin}/outputs/remote-1.jpg`, creditCost: 10 });
  const absent = (): ScriptedAnswer => ({ status: 404 });
  const all = { submit: done, status: done, picture: absent, ...scripts };
  const server = createServer(async (incoming, response) => {
    const body = (await readAll(incoming)).toString('utf8');
    // It has no schema; that it was asked for one is no news of the order.
    if (body.includes('__schema')) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end('{"errors":[{"message":"Introspection is off."}]}');
      return;
    }
    const kind = kindOf(incoming, body);
    const number = requests.filter((request) => request.kind === kind).length + 1;
    const { method = '', url: path = '', headers } = incoming;
    const request: ScriptedRequest = { kind, method, path, headers, body, number };
    requests.push(request);
    const answer = await all[kind](request, url);
    if ('raw' in answer) {
      response.socket?.end(answer.raw);
      return;
    }
    const json = typeof answer.body === 'object' && !(answer.body instanceof Uint8Array);
    response.writeHead(answer.status ?? 200, {
      ...(json ? { 'content-type': 'application/json' } : {}),
      ...answer.headers,
    });
    response.end(json ? JSON.stringify(answer.body) : answer.body);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    env: {
      DOITONG_API_KEY: SCRIPTED_KEY,
      DOITONG_API_URL: url,
      DOITONG_DIALECT: 'generate',
      DOITONG_JOB_QUERY: 'job(id)',
      DOITONG_PLAN: 'pro',
      // Nobody is asked, however many pictures a test orders within ten minutes.
      FLUX_CONFIRM_ABOVE_CREDITS: '100000',
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function kindOf({ method, url = '' }: IncomingMessage, body: string): ScriptedRequest['kind'] {
  if (method === 'GET') return url.startsWith('/v1/text_to_image') ? 'status' : 'picture';
  return url.startsWith('/v1/') || body.includes('mutation') ? 'submit' : 'status';
}
