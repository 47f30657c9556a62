/** Stands before the fault server and notes what left a process, whatever becomes of it further on. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { passesOn } from '../support/open-exchanges.ts';

/** A whole request to the API; fetched pictures are not listed. */
export type Arrival = {
  /** Epoch milliseconds of the clock. */
  at: number;
  /** Of an order; absent for everything else. */
  prompt?: string;
};

export type WitnessOptions = {
  now: () => number;
  faultServerUrl: string;
  sandboxUrl: string;
  /** Takes the idempotency key off every request: to the service it is as if the client sent none. */
  withoutKeys?: boolean;
  /** Takes the rate headers off every answer, so that the client's own count is all it has. */
  withoutRateHeaders?: boolean;
};

export type Witness = {
  url: string;
  /** Oldest first. */
  arrivals(): readonly Arrival[];
  /** Awaited when an order has arrived whole, before it goes on. */
  onOrder: (() => Promise<void> | void) | undefined;
  /** From now on the fault server is passed by. */
  stopFaults(): void;
  close(): Promise<void>;
};

/** A hanging request is let go so long after its sender: until then the service may well act on it. */
const LET_GO_AFTER_MS = 1_000;

export async function startWitness(options: WitnessOptions): Promise<Witness> {
  const seen: Arrival[] = [];
  let target = options.faultServerUrl;
  let url = '';

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = (await readAll(incoming)).bytes;
    const prompt = promptOf(body);
    if (incoming.method === 'POST') seen.push({ at: options.now(), ...(prompt === undefined ? {} : { prompt }) });
    if (prompt !== undefined) await witness.onOrder?.();
    const answer = await forward(incoming, body, response);
    await reply(answer, response);
  };

  const forward = (incoming: IncomingMessage, body: Buffer, response: ServerResponse): Promise<IncomingMessage> => {
    const { host: _host, connection: _connection, ...headers } = incoming.headers;
    if (options.withoutKeys) delete headers['idempotency-key'];
    const outgoing = request(new URL(incoming.url ?? '/', target), { method: incoming.method, headers, agent: false });
    passesOn(incoming, outgoing);
    response.once('close', () => sleepFor(LET_GO_AFTER_MS, undefined, { ref: false }).then(() => outgoing.destroy()));
    return new Promise((resolve, reject) => {
      outgoing.once('response', resolve).once('error', reject).end(body);
    });
  };

  const reply = async (answer: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { connection: _, ...headers } = answer.headers;
    if (options.withoutRateHeaders) {
      for (const name of Object.keys(headers)) if (name.startsWith('x-ratelimit-')) delete headers[name];
    }
    const { bytes, whole } = await readAll(answer);
    if (!whole) {
      // Cut off there, cut off here: the length of the whole stays in the head.
      response.writeHead(answer.statusCode ?? 502, headers);
      response.write(bytes, () => response.destroy());
      return;
    }
    const isJson = headers['content-type']?.includes('json') ?? false;
    const text = isJson ? Buffer.from(linksThrough(bytes.toString('utf8'), options, url)) : bytes;
    response.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': text.length }).end(text);
  };

  const server = createServer((incoming, response) => {
    // What broke behind this proxy breaks before it, too.
    handle(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const witness: Witness = {
    url,
    arrivals: () => seen,
    onOrder: undefined,
    stopFaults: () => {
      target = options.sandboxUrl;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return witness;
}

/** Pictures are fetched from the origin of the API alone. */
function linksThrough(text: string, { faultServerUrl, sandboxUrl }: WitnessOptions, url: string): string {
  return text.replaceAll(faultServerUrl, url).replaceAll(sandboxUrl, url);
}

async function readAll(stream: IncomingMessage): Promise<{ bytes: Buffer; whole: boolean }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), whole: true };
  } catch (error) {
    // A sender that died in the midst of its request has sent none.
    if (stream.statusCode === undefined || stream.statusCode === null) throw error;
    return { bytes: Buffer.concat(chunks), whole: false };
  }
}

function promptOf(body: Buffer): string | undefined {
  try {
    const { variables } = JSON.parse(body.toString('utf8')) as {
      variables?: { input?: { input?: { text?: string } } };
    };
    return variables?.input?.input?.text;
  } catch {
    return undefined;
  }
}
