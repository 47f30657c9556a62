/** The webhook listener: it listens, reads within tight bounds, hands raw requests to the sink, answers a bare status. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { codeOf } from '../core/error-code.ts';
import { FluxError } from '../core/failure.ts';
import { isLoopbackHost } from '../core/hosts.ts';
import type { Log } from '../core/log.ts';
import { type RawWebhook, WEBHOOK_BODY_MAX_BYTES, type WebhookSink } from '../core/webhook-sink.ts';
import { type AllowedCallers, callerProblem } from './caller-guard.ts';

/** Nobody on the network is shown more than somebody on this machine, unless the user says so. */
const DEFAULT_HOST = '127.0.0.1';
/** An event is some hundred bytes; a tunnel in front adds headers of its own. */
const MAX_HEADER_BYTES = 8_192;
/** The service sends one event per picture; the rest is room for those who hold connections open. */
const MAX_CONNECTIONS = 32;

/** How long a sender may take, in milliseconds. */
export type WebhookPatience = { headersMs: number; requestMs: number; checkEveryMs: number };
const PATIENCE: WebhookPatience = { headersMs: 5_000, requestMs: 10_000, checkEveryMs: 1_000 };

export type WebhookListenerOptions = {
  /** A name or an address, with or without the brackets of IPv6; 127.0.0.1 when absent. */
  host?: string | undefined;
  /** 0 takes a free one. */
  port: number;
  /** The URL that the service is given: senders call this listener by its host, or by where it listens. */
  publicUrl?: string | undefined;
  sink: WebhookSink;
  log: Log;
  patience?: WebhookPatience;
};

export type WebhookListener =
  | { taken: false; address: { host: string; port: number }; close: () => Promise<void> }
  /** Somebody listens there already, as a rule another process of ours, whose event markers reach this one too. */
  | { taken: true };

/**
 * It never keeps the process alive.
 * @throws FluxError of kind `bad_input` that names the setting, when nothing can listen there
 */
export async function openWebhookListener(options: WebhookListenerOptions): Promise<WebhookListener> {
  const { port, log } = options;
  const host = options.host?.replace(/^\[(.*)\]$/u, '$1') || DEFAULT_HOST;
  const server = createListener(options);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
  } catch (error) {
    // Its timers run although it never listened.
    server.close();
    if (codeOf(error) === 'EADDRINUSE') return { taken: true };
    throw cannotListen(host, port, error);
  }
  server.on('error', (error) => log.warn('trouble at the webhook listener', { error: codeOf(error) ?? String(error) }));
  const bound = server.address();
  const address =
    typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : { host, port };
  log.info('listening for webhooks', address);
  return { taken: false, address, close: () => close(server) };
}

/** A proxy in front may use the public name, the one that it forwards to, or this machine's address. */
function allowedCallers({ host, publicUrl }: WebhookListenerOptions): AllowedCallers {
  const listen = host || DEFAULT_HOST;
  const named = listen.includes(':') && !listen.startsWith('[') ? `[${listen}]` : listen;
  const names = [named, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])];
  return { hosts: names.map((name) => name.toLowerCase()), addresses: !isLoopbackHost(named) };
}

function createListener(options: WebhookListenerOptions): Server {
  const { sink, log, patience = PATIENCE } = options;
  const allowed = allowedCallers(options);
  let isRefusalLogged = false;
  const server = createServer({
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    connectionsCheckingInterval: patience.checkEveryMs,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  server.maxConnections = MAX_CONNECTIONS;
  // Their bytes are bounded already; beyond a bound of their number, Node leaves headers out without a word.
  server.maxHeadersCount = 0;
  // Of silence on a connection, whatever it is in the middle of.
  server.timeout = patience.requestMs;
  server.unref();
  server.on('connection', (socket) => socket.unref());
  // What is not HTTP, or comes too slowly, is cut off without an answer.
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('request', async (request, response) => {
    const problem = callerProblem(request.rawHeaders, allowed);
    if (problem !== undefined) {
      // Once: whoever meant no harm needs to know it, and nobody shall fill the log.
      if (!isRefusalLogged)
        log.warn('a request to the webhook listener was refused; jobs are polled', { because: problem });
      isRefusalLogged = true;
      response.writeHead(403, { 'Content-Length': 0, Connection: 'close' }).end();
      return;
    }
    const body = await readBody(request);
    if (body === undefined) return;
    const { method = '', url: path = '', rawHeaders: headers } = request;
    const status = await decisionOf(sink, { method, path, headers, body }, log);
    response.writeHead(status, { 'Content-Length': 0, Connection: 'close' }).end();
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

async function decisionOf(sink: WebhookSink, raw: RawWebhook, log: Log): Promise<number> {
  try {
    return await sink.accept(raw);
  } catch (error) {
    log.error('a webhook met a defect', { error: error instanceof Error ? error.name : typeof error });
    return 503;
  }
}

/** Cuts what is open: an event that is lost here is found by polling. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function cannotListen(host: string, port: number, cause: unknown): FluxError {
  return new FluxError(
    {
      kind: 'bad_input',
      message: `Nothing can listen for webhooks at ${host}, port ${port}, as DOITONG_WEBHOOK_LISTEN says (${codeOf(cause) ?? String(cause)}).`,
      creditsSpent: 'no',
      retry: 'no',
      remedy:
        'Ask the user to correct DOITONG_WEBHOOK_LISTEN ([HOST:]PORT with an address of this machine and a port from 1024 on), or to remove it, and to restart the server.',
    },
    { cause },
  );
}
