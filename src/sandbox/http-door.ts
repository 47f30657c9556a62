// Owns the sandbox's HTTP side: which path leads where, who may enter, and the headers of every answer.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphqlEndpoint } from './graphql-endpoint.ts';
import { guessOperation } from './graphql-operation.ts';
import { statusAt } from './job.ts';
import { PictureCache } from './picture/picture.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { Refusal } from './refusal.ts';
import { readBody } from './request-body.ts';
import type { LoggedRequest, RequestLog } from './request-log.ts';
import { submitByRest } from './rest-endpoint.ts';
import type { Service } from './service.ts';

export type DoorParts = {
  key: string;
  now: () => number;
  origin: () => string;
  service: Service;
  limiter: RateLimiter;
  log: RequestLog;
  graphql: GraphqlEndpoint;
  inspect: () => unknown;
};

type Answer = { status: number; headers: Record<string, string>; body: string | Uint8Array };

const JSON_TYPE = 'application/json; charset=utf-8';

function answerJson(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'Content-Type': JSON_TYPE, ...headers }, body: JSON.stringify(value) };
}

function answerRefusal(refusal: Refusal): Answer {
  const wait = refusal.retryAfterSeconds;
  return answerJson(refusal.httpStatus, refusal.body, wait === undefined ? {} : { 'Retry-After': String(wait) });
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function isKey(given: string | undefined, key: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(key));
}

const single = (header: string | string[] | undefined): string | undefined =>
  (Array.isArray(header) ? header[0] : header) || undefined;

export class HttpDoor {
  private readonly pictures = new PictureCache();

  constructor(private readonly parts: DoorParts) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const path = request.url?.split('?')[0] ?? '/';
    if (path === '/sandbox/state' && method === 'GET') {
      this.send(request, response, answerJson(200, this.parts.inspect()));
      return;
    }
    const idempotencyKey = single(request.headers['idempotency-key']);
    const entry = this.parts.log.add({
      at: this.parts.now(),
      method,
      path,
      operation: path.startsWith('/outputs/') ? 'picture' : path === '/v1/text_to_image' ? 'rest' : 'other',
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      httpStatus: 0,
    });
    const answer = await this.answer(request, path, entry).catch((error: unknown) =>
      answerRefusal(error instanceof Refusal ? error : new Refusal('INTERNAL_SERVER_ERROR', 'The sandbox is at fault')),
    );
    if (request.errored) return;
    entry.httpStatus = answer.status;
    this.send(request, response, answer);
  }

  private async answer(request: IncomingMessage, path: string, entry: LoggedRequest): Promise<Answer> {
    switch (path) {
      case '/graphql':
      case '/v1/text_to_image': {
        const answer = await this.answerApi(request, path, entry).catch((error: unknown) => {
          if (error instanceof Refusal) return answerRefusal(error);
          throw error;
        });
        return { ...answer, headers: { ...answer.headers, ...this.parts.limiter.headers() } };
      }
      default: {
        const id = /^\/outputs\/([\w-]+)\.jpg$/.exec(path)?.[1];
        if (id !== undefined) return this.answerPicture(entry.method, id);
        throw new Refusal('NOT_FOUND', `There is nothing at ${path}`);
      }
    }
  }

  /** The body is read before anything is refused, so that the log tells what a refused request wanted. */
  private async answerApi(request: IncomingMessage, path: string, entry: LoggedRequest): Promise<Answer> {
    const { key, limiter, graphql } = this.parts;
    const isGraphql = path === '/graphql';
    const body = await readBody(request);
    if (isGraphql) entry.operation = guessOperation(body);
    const given = isGraphql
      ? /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      : single(request.headers['x-api-key']);
    if (!isKey(given, key)) throw new Refusal('UNAUTHENTICATED', 'Missing or invalid API key');
    limiter.take();
    if (entry.method !== 'POST') throw new Refusal('METHOD_NOT_ALLOWED', `${path} takes POST only`);
    if (!isGraphql) return answerJson(200, submitByRest(this.parts, body, entry.idempotencyKey));
    const answer = await graphql({ headers: request.headers, body, idempotencyKey: entry.idempotencyKey });
    const wait = answer.retryAfterSeconds;
    return {
      status: answer.status,
      headers: { 'Content-Type': JSON_TYPE, ...(wait !== undefined && { 'Retry-After': String(wait) }) },
      body: answer.body,
    };
  }

  private async answerPicture(method: string, id: string): Promise<Answer> {
    if (method !== 'GET' && method !== 'HEAD') throw new Refusal('METHOD_NOT_ALLOWED', 'Pictures take GET only');
    const job = this.parts.service.find(id);
    const ended = job !== undefined && statusAt(job, this.parts.now()) === 'completed';
    if (!ended) throw new Refusal('NOT_FOUND', `There is no picture of a job ${id}`);
    const body = await this.pictures.get(job.submission);
    return { status: 200, headers: { 'Content-Type': 'image/jpeg' }, body };
  }

  private send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    // The Date header follows the sandbox's clock, as the reset times do: a caller may compare them.
    response.writeHead(answer.status, {
      ...answer.headers,
      Date: new Date(this.parts.now()).toUTCString(),
      'Content-Length': String(Buffer.byteLength(answer.body)),
      ...(!request.complete && { Connection: 'close' }),
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }
}
