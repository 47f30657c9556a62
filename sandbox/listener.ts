// Owns the sandbox's HTTP side: which path leads where, the log of it, and how an answer leaves.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, answerJson, answerOf, Refusal } from './answer.ts';
import type { Api } from './api.ts';
import { type Arrival, checkCaller, checkKey, readBody, routeOf } from './arrival.ts';
import { guessOperation } from './graphql.ts';
import type { LoggedRequest, RequestLog } from './request-log.ts';

export type ListenerDeps = {
  now: () => number;
  key: string;
  log: RequestLog;
  api: Api;
  pictures: (arrival: Arrival) => Promise<Answer>;
  /** Whether /graphql is there. */
  graphql: boolean;
  inspect: () => unknown;
};

export function createListener({ now, key, log, api, pictures, graphql, inspect }: ListenerDeps) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '/', query] = request.url?.split('?', 2) ?? [];
    const { to, operation, id } = routeOf(path);
    const idempotencyKey = [request.headers['idempotency-key']].flat()[0] || undefined;
    const entry: LoggedRequest = {
      at: now(),
      method: request.method ?? 'GET',
      path,
      operation,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      httpStatus: 0,
    };
    if (to !== 'state') log.add(entry);
    const answer = await answerOf(() => follow({ request, to, id, query: new URLSearchParams(query), entry }));
    if (request.errored) return;
    if (answer.delivery !== 'lost') entry.httpStatus = answer.status;
    send(request, response, answer, now());
  };

  async function follow(arrival: Arrival): Promise<Answer> {
    const { request, to, entry } = arrival;
    checkCaller(request);
    if (to === 'order' || to === 'job' || (to === 'graphql' && graphql)) return api(arrival);
    if (to === 'picture') return pictures(arrival);
    if (to === 'state' && entry.method === 'GET') {
      // There are prompts in it.
      checkKey(request, key, 'either');
      return answerJson(200, inspect());
    }
    if (to === 'graphql') entry.operation = guessOperation(await readBody(request));
    throw new Refusal(404, 'NOT_FOUND', `There is nothing at ${entry.path}`);
  }
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
