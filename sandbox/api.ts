// Owns how a request is handled by the API: key, rate limit, the faults of scenarios, and the work in either style.

import { type Answer, answerJson, answerOf, Refusal } from './answer.ts';
import { type Arrival, checkKey, readBody } from './arrival.ts';
import { countRootFields, type Graphql, guessOperation, parseObject } from './graphql.ts';
import type { RateLimiter } from './limits.ts';
import type { Orders } from './orders.ts';
import { createFirstTries } from './scenarios/first-tries.ts';
import type { Chosen } from './scenarios/scenarios.ts';
import type { Service } from './service.ts';

export type ApiDeps = {
  key: string;
  chosen: Chosen;
  limiter: RateLimiter;
  service: Service;
  orders: Orders;
  graphql: Graphql;
};

/** GraphQL, an order by REST, or the read of one job by REST. */
export type Api = (arrival: Arrival) => Promise<Answer>;

export function createApi({ key, chosen: { names, traits }, limiter, service, orders, graphql }: ApiDeps): Api {
  const faultOf = createFirstTries(names);

  return async (arrival) => {
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
      status: traits.refusalsWith200 ? 200 : answer.status,
      headers: { ...answer.headers, ...rate, ...(reset && !answer.lacks && { 'X-RateLimit-Reset': reset }) },
    };
  };

  function serve(arrival: Arrival, body: string): Answer {
    const { request, to, entry } = arrival;
    checkKey(request, key, to === 'graphql' ? 'graphql' : 'rest');
    limiter.take(traits.countsFields ? countRootFields(body) : 1);
    const allowed = to === 'job' ? 'GET' : 'POST';
    if (entry.method !== allowed) throw new Refusal(405, 'METHOD_NOT_ALLOWED', `${entry.path} takes ${allowed} only`);
    const early = faultOf('before-charging', entry, body);
    if (early) return early;
    const placedBefore = service.placed;
    const answer = work(arrival, body);
    return (service.placed > placedBefore && faultOf('after-charging', entry, body, answer)) || answer;
  }

  /** Nothing in it waits, so that what it places is told from what other requests place. */
  function work({ request, to, id, entry: { idempotencyKey } }: Arrival, body: string): Answer {
    if (to === 'graphql') return graphql(request.headers, body, idempotencyKey);
    if (to === 'order') return answerJson(200, orders.rest(parseObject(body), idempotencyKey));
    const job = orders.find(id);
    if (!job) throw new Refusal(404, 'NOT_FOUND', `There is no job ${id}`);
    return answerJson(200, job);
  }
}
