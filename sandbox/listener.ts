// Owns the way of a request: its log entry, the key, the rate limit, the faults of scenarios, its work, and its answer.

import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Answer,
  answerJson,
  answerOf,
  type Arrival,
  arrivalOf,
  checkCaller,
  checkKey,
  type LoggedRequest,
  readBody,
  record,
  Refusal,
} from './http.ts';
import { type Graphql, guessOperation, parseObject, rootFieldsIn } from './graphql.ts';
import type { RateLimiter } from './limits.ts';
import type { Orders } from './orders.ts';
import type { Pictures } from './pictures.ts';
import { createFirstTries } from './first-tries.ts';
import type { Scenarios } from './scenarios.ts';

type ListenerDeps = {
  now: () => number;
  key: string;
  log: LoggedRequest[];
  scenarios: Scenarios;
  limiter: RateLimiter;
  orders: Orders;
  graphql: Graphql;
  pictures: Pictures;
  inspect: () => unknown;
};

export function createListener(deps: ListenerDeps) {
  const { now, key, log, scenarios, limiter, orders, graphql, pictures, inspect } = deps;
  const faultOf = createFirstTries(scenarios);

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const arrival = arrivalOf(request, now());
    if (arrival.to !== 'state') record(log, arrival.entry);
    const answer = await answerOf(() => follow(arrival));
    if (request.errored) return;
    if (answer.delivery !== 'lost') arrival.entry.httpStatus = answer.status;
    send(request, response, answer, now());
  };

  async function follow(arrival: Arrival): Promise<Answer> {
    const { request, to, entry } = arrival;
    checkCaller(request);
    if (to === 'picture') return pictures.serve(arrival);
    if (to === 'order' || to === 'job' || (to === 'graphql' && !scenarios.has('only-rest'))) return answerApi(arrival);
    if (to === 'state' && entry.method === 'GET') {
      // There are prompts in it.
      checkKey(request, key, 'either');
      return answerJson(200, inspect());
    }
    if (to === 'graphql') entry.operation = guessOperation(await readBody(request));
    throw new Refusal(404, 'NOT_FOUND', `There is nothing at ${entry.path}`);
  }

  /** With the headers about the rate limit. */
  async function answerApi(arrival: Arrival): Promise<Answer> {
    const { request, to, entry } = arrival;
    const answer = await answerOf(async () => {
      // Before anything is refused, so that the log says what a refused request wanted.
      const body = await readBody(request);
      if (to === 'graphql') entry.operation = guessOperation(body);
      return faultOf('proxy', entry, body) ?? serve(arrival, body);
    });
    if (answer.lacks === 'rate-headers') return answer;
    const { 'X-RateLimit-Reset': reset, ...rate } = limiter.headers();
    return {
      ...answer,
      status: scenarios.has('errors-with-200') ? 200 : answer.status,
      headers: { ...answer.headers, ...rate, ...(reset && !answer.lacks && { 'X-RateLimit-Reset': reset }) },
    };
  }

  function serve(arrival: Arrival, body: string): Answer {
    const { request, to, entry } = arrival;
    checkKey(request, key, to === 'graphql' ? 'graphql' : 'rest');
    limiter.take(scenarios.has('counts-fields') ? Math.max(1, rootFieldsIn(body).length) : 1);
    const allowed = to === 'job' ? 'GET' : 'POST';
    if (entry.method !== allowed) throw new Refusal(405, 'METHOD_NOT_ALLOWED', `${entry.path} takes ${allowed} only`);
    const early = faultOf('before-charging', entry, body);
    if (early) return early;
    const answer = work(arrival, body);
    // An order that is answered so was carried out, by this try or an earlier one.
    return (answer.status === 200 && faultOf('after-charging', entry, body, answer)) || answer;
  }

  function work({ request, to, id, entry: { idempotencyKey } }: Arrival, body: string): Answer {
    if (to === 'graphql') return graphql(request.headers, body, idempotencyKey);
    if (to === 'order') return answerJson(200, orders.rest(parseObject(body), idempotencyKey));
    const job = orders.find(id);
    if (!job) throw new Refusal(404, 'NOT_FOUND', `There is no job ${id}`);
    return answerJson(200, job);
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
  response.end(answer.body);
}
