/** A service that answers at once and notes when each request arrived and when its answer had left. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Milliseconds of this process's `performance.now`. */
export type Span = { arrivedAt: number; answeredAt: number };
export type OverheadService = {
  url: string;
  spans: Span[];
  /** How often a job is processing before it is finished. */
  polls: number;
  /** Runs when a request has arrived, before it is answered. */
  onArrival?: (request: { isPicture: boolean }) => Promise<void>;
  close(): void;
};

export async function startOverheadService(picture: Uint8Array): Promise<OverheadService> {
  const service: OverheadService = { url: '', spans: [], polls: 0, close: () => server.close() };
  let jobs = 0;
  let left = 0;

  function answerTo(query: string): unknown {
    if (query.includes('generate(')) {
      left = service.polls;
      return { job: jobNow(`ovh_${++jobs}`) };
    }
    left -= 1;
    return { job: jobNow(`ovh_${jobs}`) };
  }
  function jobNow(id: string): unknown {
    const isSettled = left <= 0;
    const url = isSettled ? `${service.url}/pictures/${id}.jpg` : null;
    return {
      id,
      status: isSettled ? 'completed' : 'processing',
      url,
      creditCost: 10,
      createdAt: new Date().toISOString(),
    };
  }
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const span = { arrivedAt: performance.now(), answeredAt: 0 };
    service.spans.push(span);
    const isPicture = request.method === 'GET';
    await service.onArrival?.({ isPicture });
    const { query = '' } = isPicture ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as { query?: string });
    response.setHeader('content-type', isPicture ? 'image/jpeg' : 'application/json');
    response.end(isPicture ? picture : JSON.stringify({ data: answerTo(query) }), () => {
      span.answeredAt = performance.now();
    });
  }
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return service;
}
