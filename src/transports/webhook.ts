/** The webhook listener: it listens, reads within tight bounds, hands raw requests to the sink, answers a bare status. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { codeOf } from '../core/failure.ts';
import { isLoopbackHost } from '../core/untrusted-text.ts';
import { type Log, WEBHOOK_BODY_MAX_BYTES, type WebhookSink } from '../core/ports.ts';

/** How long a sender may take, in milliseconds. */
export type WebhookPatience = { headersMs: number; requestMs: number; checkEveryMs: number };
const PATIENCE: WebhookPatience = { headersMs: 5_000, requestMs: 10_000, checkEveryMs: 1_000 };

export type WebhookListenerOptions = {
  host: string;
  port: number;
  /** The URL that the service is given: senders call this listener by its host, or by where it listens. */
  publicUrl: string;
  sink: WebhookSink;
  log: Log;
  patience?: WebhookPatience;
};

/** Never keeps the process alive. */
export class WebhookListener {
  #opened: Promise<void> | undefined;
  #server: Server | undefined;

  constructor(private readonly options: WebhookListenerOptions) {}

  /** Never rejects: where nobody listens, jobs are polled. A port that was taken is tried again by the next call. */
  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Cuts what is open: an event that is lost here is found by polling. Nothing is opened any more. */
  async close(): Promise<void> {
    this.#opened ??= Promise.resolve();
    await this.#opened;
    const server = this.#server;
    if (server === undefined) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  async #open(): Promise<void> {
    const { host, port, log } = this.options;
    const server = createListener(this.options);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, resolve);
      });
      this.#server = server;
      server.on('error', (error) => log.warn('trouble at the webhook listener', { error: String(error) }));
      log.info('listening for webhooks', { host, port });
    } catch (error) {
      // Its timers run although it never listened.
      server.close();
      const code = codeOf(error);
      if (code !== 'EADDRINUSE') {
        const fields = { setting: 'DOITONG_WEBHOOK_LISTEN', host, port, code };
        return log.warn('the webhook listener could not be opened; jobs are polled', fields);
      }
      this.#opened = undefined;
      const taken = 'the webhook port is taken, probably by another flux-pro-mcp, which passes events on to this one';
      log.info(taken, { host, port });
    }
  }
}

function createListener({ host, publicUrl, sink, log, patience = PATIENCE }: WebhookListenerOptions): Server {
  const name = host.includes(':') ? `[${host}]` : host;
  // A proxy in front may use the public name, the one that it forwards to, or this machine's address.
  const hosts = [...LOOPBACK_NAMES, name, new URL(publicUrl).hostname].map((known) => known.toLowerCase());
  // Where it listens beyond this machine, any address may be called: nobody's name leads to one.
  const isAllowed = (called: string): boolean =>
    hosts.includes(called) || (ADDRESS.test(called) && !isLoopbackHost(host));
  let isRefusalLogged = false;
  const server = createServer({
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    connectionsCheckingInterval: patience.checkEveryMs,
    // An event is some hundred bytes; a tunnel in front adds headers of its own.
    maxHeaderSize: 8_192,
  });
  // The service sends one event per picture; the rest is room for those who hold connections open.
  server.maxConnections = 32;
  // Their bytes are bounded already; beyond a bound of their number, Node leaves headers out without a word.
  server.maxHeadersCount = 0;
  // Of silence on a connection, whatever it is in the middle of.
  server.timeout = patience.requestMs;
  server.unref();
  server.on('connection', (socket) => socket.unref());
  // What is not HTTP, or comes too slowly, is cut off without an answer.
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('request', async (request, response) => {
    const answer = (status: number): void =>
      void response.writeHead(status, { 'Content-Length': 0, Connection: 'close' }).end();
    const problem = callerProblem(request, isAllowed);
    if (problem !== undefined) {
      // Once: whoever meant no harm needs to know it, and nobody shall fill the log.
      if (!isRefusalLogged)
        log.warn('a request to the webhook listener was refused; jobs are polled', { because: problem });
      isRefusalLogged = true;
      return answer(403);
    }
    const body = await readBody(request);
    if (body === undefined) return;
    const { method = '', url: path = '', rawHeaders: headers } = request;
    const status = await sink({ method, path, headers, body }).catch((error: unknown) => {
      log.error('a webhook failed unexpectedly', { error: error instanceof Error ? error.name : typeof error });
      return 503;
    });
    answer(status);
  });
  return server;
}

/** `undefined` when the sender has gone. What exceeds the limit by more than a byte stays unread. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > WEBHOOK_BODY_MAX_BYTES) break;
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).subarray(0, WEBHOOK_BODY_MAX_BYTES + 1);
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const HOST = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/u;
const ADDRESS = /^(?:\[.+\]|\d{1,3}(?:\.\d{1,3}){3})$/u;

/**
 * What is wrong with the Host or the Origin; `undefined` for a caller that may be answered. A page in a browser can
 * reach every port of its machine, and by a name of its own that leads there (DNS rebinding) it can read the answers.
 */
function callerProblem({ headersDistinct }: IncomingMessage, isAllowed: (name: string) => boolean): string | undefined {
  const { host = [], origin } = headersDistinct;
  const name = HOST.exec(host.join().toLowerCase())?.[1];
  if (name === undefined) return 'it has not exactly one Host that can be read';
  if (!isAllowed(name)) return `its Host is ${name}`;
  return origin ? 'it has an Origin: it comes from a browser' : undefined;
}
