// Owns the sandbox's HTTP side: which path leads where, the log of it, and how an answer leaves.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, answerJson, answerRefusal, orRefusal } from './answer.ts';
import type { ApiEndpoint, ApiRoute } from './api-endpoint.ts';
import { bearerKeyOf, checkCaller, headerKeyOf, isKey } from './caller.ts';
import { guessOperation } from './graphql-operation.ts';
import type { PictureEndpoint } from './picture-endpoint.ts';
import { Refusal } from './refusal.ts';
import { readBody } from './request-body.ts';
import type { LoggedRequest, RequestLog, SandboxOperation } from './request-log.ts';

export type HttpListenerDeps = {
  now: () => number;
  key: string;
  log: RequestLog;
  api: ApiEndpoint;
  pictures: PictureEndpoint;
  /** Whether /graphql is there. */
  graphql: boolean;
  inspect: () => unknown;
};

const REST_PATH = '/v1/text_to_image';

const single = (header: string | string[] | undefined): string | undefined =>
  (Array.isArray(header) ? header[0] : header) || undefined;

export class HttpListener {
  constructor(private readonly deps: HttpListenerDeps) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const [path = '/', query] = request.url?.split('?', 2) ?? [];
    if (path === '/sandbox/state' && method === 'GET') {
      this.send(request, response, await orRefusal(async () => this.state(request)));
      return;
    }
    const idempotencyKey = single(request.headers['idempotency-key']);
    const entry = this.deps.log.add({
      at: this.deps.now(),
      method,
      path,
      operation: operationAt(path),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      httpStatus: 0,
    });
    const answer = await this.answer(request, entry, new URLSearchParams(query)).catch((error: unknown) =>
      answerRefusal(error instanceof Refusal ? error : new Refusal('INTERNAL_SERVER_ERROR', 'The sandbox is at fault')),
    );
    if (request.errored) return;
    if (answer.delivery !== 'lost') entry.httpStatus = answer.status;
    this.send(request, response, answer);
  }

  /** Prompts are in it. */
  private state(request: IncomingMessage): Answer {
    checkCaller(request);
    const { key, inspect } = this.deps;
    if (!isKey(bearerKeyOf(request), key) && !isKey(headerKeyOf(request), key))
      throw new Refusal('UNAUTHENTICATED', 'Missing or invalid API key');
    return answerJson(200, inspect());
  }

  private async answer(request: IncomingMessage, entry: LoggedRequest, query: URLSearchParams): Promise<Answer> {
    checkCaller(request);
    const { api, pictures, graphql } = this.deps;
    const { path } = entry;
    const route = apiRoute(path);
    if (route && (graphql || route.style === 'rest')) return api.answer(request, route, entry);
    const pictureId = /^\/outputs\/([\w-]+)\.jpg$/.exec(path)?.[1];
    if (pictureId !== undefined) return pictures.answer(entry, pictureId, query);
    if (route) entry.operation = guessOperation(await readBody(request));
    throw new Refusal('NOT_FOUND', `There is nothing at ${path}`);
  }

  private send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    if (answer.delivery === 'lost') {
      response.destroy();
      return;
    }
    // The Date header follows the sandbox's clock, as the reset times do: a caller may compare them.
    response.writeHead(answer.status, {
      ...answer.headers,
      Date: new Date(this.deps.now()).toUTCString(),
      'Content-Length': String(Buffer.byteLength(answer.body)),
      ...(!request.complete && { Connection: 'close' }),
    });
    if (answer.delivery === 'truncated') {
      const body = Buffer.from(answer.body);
      response.write(body.subarray(0, body.length >> 1), () => response.destroy());
      return;
    }
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }
}

function apiRoute(path: string): ApiRoute | undefined {
  if (path === '/graphql') return { style: 'graphql' };
  if (path === REST_PATH) return { style: 'rest' };
  const jobId = /^\/v1\/text_to_image\/([\w-]+)$/.exec(path)?.[1];
  return jobId === undefined ? undefined : { style: 'rest', jobId };
}

function operationAt(path: string): SandboxOperation {
  if (path.startsWith('/outputs/')) return 'picture';
  if (path.startsWith(`${REST_PATH}/`)) return 'status';
  return path === REST_PATH ? 'rest' : 'other';
}
