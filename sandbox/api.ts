// Owns how a request is handled by the API: key, rate limit, the faults of scenarios, and the work in either style.

import type { IncomingMessage } from 'node:http';
import { type Answer, answerJson, orRefusal, Refusal } from './answer.ts';
import { isAuthorized, readBody } from './caller.ts';
import type { Dialects } from './dialects.ts';
import { type Graphql, parseObject } from './graphql.ts';
import { documentIn, guessOperation, rootFieldsIn } from './graphql-text.ts';
import type { RateLimiter } from './limits.ts';
import type { LoggedRequest } from './request-log.ts';
import { type Attempt, createFirstTries } from './scenarios/first-tries.ts';
import type { Chosen } from './scenarios/scenarios.ts';
import type { Placement } from './service.ts';

export type ApiDeps = {
  key: string;
  chosen: Chosen;
  limiter: RateLimiter;
  graphql: Graphql;
  dialects: Dialects;
};

/** `jobId` is set where REST reads a job. */
export type ApiRoute = { style: 'graphql' | 'rest'; jobId?: string };

export type Api = (request: IncomingMessage, route: ApiRoute, entry: LoggedRequest) => Promise<Answer>;

export function createApi({ key, chosen: { traits, firstTries }, limiter, graphql, dialects }: ApiDeps): Api {
  const faultOf = createFirstTries(firstTries);

  return async (request, route, entry) => {
    const answer = await orRefusal(async () => {
      // Before anything is refused, so that the log says what a refused request wanted.
      const body = await readBody(request);
      if (route.style === 'graphql') entry.operation = guessOperation(body);
      const attempt = attemptOf(route, entry, body);
      return faultOf('proxy', attempt, entry) ?? serve(request, route, entry, attempt);
    });
    if (answer.lacks === 'rate-headers') return answer;
    const { 'X-RateLimit-Reset': reset, ...rate } = limiter.headers();
    return {
      ...answer,
      status: traits.refusalsWith200 ? 200 : answer.status,
      headers: { ...answer.headers, ...rate, ...(reset && !answer.lacks && { 'X-RateLimit-Reset': reset }) },
    };
  };

  async function serve(
    request: IncomingMessage,
    route: ApiRoute,
    entry: LoggedRequest,
    attempt: Attempt,
  ): Promise<Answer> {
    if (!isAuthorized(request, key, route.style)) throw new Refusal('UNAUTHENTICATED', 'Missing or invalid API key');
    const counts = traits.countsFields && route.style === 'graphql';
    limiter.take(counts ? rootFieldsIn(documentIn(attempt.body)) : 1);
    const allowed = route.jobId === undefined ? 'POST' : 'GET';
    if (entry.method !== allowed) throw new Refusal('METHOD_NOT_ALLOWED', `${entry.path} takes ${allowed} only`);
    const early = faultOf('before-charging', attempt, entry);
    if (early) return early;
    const placement: Placement = { idempotencyKey: attempt.idempotencyKey, jobs: 0 };
    const answer = await work(request, route, attempt.body, placement);
    return (placement.jobs > 0 && faultOf('after-charging', attempt, entry, answer)) || answer;
  }

  async function work(request: IncomingMessage, { style, jobId }: ApiRoute, body: string, placement: Placement) {
    if (style === 'graphql') return graphql(request.headers, body, placement);
    if (jobId === undefined) return answerJson(200, dialects.rest(parseObject(body), placement));
    const job = dialects.find(jobId);
    if (!job) throw new Refusal('NOT_FOUND', `There is no job ${jobId}`);
    return answerJson(200, job);
  }
}

function attemptOf(route: ApiRoute, { method, path, operation, idempotencyKey }: LoggedRequest, body: string): Attempt {
  const orders = route.style === 'rest' ? route.jobId === undefined : /^generate/.test(operation);
  return { method, path, body, idempotencyKey, isOrder: method === 'POST' && orders };
}
