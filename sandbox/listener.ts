// Owns the sandbox's HTTP side: which path leads where, the log of it, and how an answer leaves.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, answerJson, answerRefusal, orRefusal, Refusal } from './answer.ts';
import type { Api, ApiRoute } from './api.ts';
import { checkCaller, isAuthorized, readBody } from './caller.ts';
import { guessOperation } from './graphql-text.ts';
import type { PictureHost } from './picture-host.ts';
import type { LoggedRequest, RequestLog, SandboxOperation } from './request-log.ts';

export type ListenerDeps = {
  now: () => number;
  key: string;
  log: RequestLog;
  api: Api;
  pictures: PictureHost;
  /** Whether /graphql is there. */
  graphql: boolean;
  inspect: () => unknown;
};

const REST_PATH = '/v1/text_to_image';

export function createListener({ now, key, log, api, pictures, graphql, inspect }: ListenerDeps) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? 'GET';
    const [path = '/', query] = request.url?.split('?', 2) ?? [];
    if (path === '/sandbox/state' && method === 'GET') {
      const state = await orRefusal(async () => {
        checkCaller(request);
        // There are prompts in it.
        if (!isAuthorized(request, key, 'either')) throw new Refusal('UNAUTHENTICATED', 'Missing or invalid API key');
        return answerJson(200, inspect());
      });
      return send(request, response, state, now());
    }
    const idempotencyKey = [request.headers['idempotency-key']].flat()[0] || undefined;
    const entry = log.add({
      at: now(),
      method,
      path,
      operation: operationAt(path),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      httpStatus: 0,
    });
    const answer = await orRefusal(() => route(request, entry, new URLSearchParams(query))).catch(() =>
      answerRefusal(new Refusal('INTERNAL_SERVER_ERROR', 'The sandbox is at fault')),
    );
    if (request.errored) return;
    if (answer.delivery !== 'lost') entry.httpStatus = answer.status;
    send(request, response, answer, now());
  };

  async function route(request: IncomingMessage, entry: LoggedRequest, query: URLSearchParams): Promise<Answer> {
    checkCaller(request);
    const { path } = entry;
    const wanted = apiRoute(path);
    if (wanted && (graphql || wanted.style === 'rest')) return api(request, wanted, entry);
    const pictureId = /^\/outputs\/([\w-]+)\.jpg$/.exec(path)?.[1];
    if (pictureId !== undefined) return pictures(entry, pictureId, query);
    if (wanted) entry.operation = guessOperation(await readBody(request));
    throw new Refusal('NOT_FOUND', `There is nothing at ${path}`);
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

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, nowMs: number): void {
  if (answer.delivery === 'lost') {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, {
    ...answer.headers,
    // By the sandbox's clock, as the reset times are: a caller may compare them.
    Date: new Date(nowMs).toUTCString(),
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
