// Owns the way of a request through the API's two endpoints: key, rate limit, the faults of scenarios, and the work.

import type { IncomingMessage } from 'node:http';
import { type Answer, answerJson, JSON_TYPE, orRefusal } from './answer.ts';
import { bearerKeyOf, headerKeyOf, isKey } from './caller.ts';
import type { GraphqlEndpoint } from './graphql-endpoint.ts';
import { guessOperation, rootFieldsOf } from './graphql-operation.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { Refusal } from './refusal.ts';
import { readBody } from './request-body.ts';
import type { LoggedRequest } from './request-log.ts';
import type { RestEndpoint } from './rest-endpoint.ts';
import { faultAnswer } from './scenarios/fault-answers.ts';
import { type Attempt, FirstTries } from './scenarios/first-tries.ts';
import type { Chosen } from './scenarios/scenarios.ts';
import type { Placement } from './service.ts';

export type ApiEndpointDeps = {
  key: string;
  chosen: Chosen;
  limiter: RateLimiter;
  graphql: GraphqlEndpoint;
  rest: RestEndpoint;
};

/** `jobId` is set where REST reads a job. */
export type ApiRoute = { style: 'graphql' | 'rest'; jobId?: string };

export class ApiEndpoint {
  private readonly firstTries: FirstTries;

  constructor(private readonly deps: ApiEndpointDeps) {
    this.firstTries = new FirstTries(deps.chosen.firstTries);
  }

  /** The body is read before anything is refused, so that the log tells what a refused request wanted. */
  async answer(request: IncomingMessage, route: ApiRoute, entry: LoggedRequest): Promise<Answer> {
    let proxied: Answer | undefined;
    const answer = await orRefusal(async () => {
      const body = await readBody(request);
      if (route.style === 'graphql') entry.operation = guessOperation(body);
      const attempt = attemptOf(route, entry, body);
      const fault = this.firstTries.deal('proxy', attempt);
      if (!fault) return this.serve(request, route, entry, attempt);
      entry.fault = fault.scenario;
      proxied = faultAnswer(fault);
      return proxied;
    });
    return answer === proxied ? answer : this.finish(answer);
  }

  private async serve(
    request: IncomingMessage,
    route: ApiRoute,
    entry: LoggedRequest,
    attempt: Attempt,
  ): Promise<Answer> {
    const { key, limiter } = this.deps;
    const given = route.style === 'graphql' ? bearerKeyOf(request) : headerKeyOf(request);
    if (!isKey(given, key)) throw new Refusal('UNAUTHENTICATED', 'Missing or invalid API key');
    const counts = this.deps.chosen.traits.countsFields && route.style === 'graphql';
    limiter.take(counts ? rootFieldsOf(attempt.body) : 1);
    const allowed = route.jobId === undefined ? 'POST' : 'GET';
    if (entry.method !== allowed) throw new Refusal('METHOD_NOT_ALLOWED', `${entry.path} takes ${allowed} only`);
    const early = this.firstTries.deal('before-charging', attempt);
    if (early) {
      entry.fault = early.scenario;
      return faultAnswer(early);
    }
    const placement: Placement = { idempotencyKey: attempt.idempotencyKey, jobs: 0 };
    const answer = await this.work(request, route, attempt.body, placement);
    const late = placement.jobs > 0 ? this.firstTries.deal('after-charging', attempt) : undefined;
    if (!late) return answer;
    entry.fault = late.scenario;
    return faultAnswer(late, answer);
  }

  private async work(request: IncomingMessage, route: ApiRoute, body: string, placement: Placement): Promise<Answer> {
    const { graphql, rest } = this.deps;
    if (route.jobId !== undefined) return answerJson(200, rest.read(route.jobId));
    if (route.style === 'rest') return answerJson(200, rest.submit(body, placement));
    const answer = await graphql({ headers: request.headers, body, placement });
    const wait = answer.retryAfterSeconds;
    return {
      status: answer.status,
      headers: { 'Content-Type': JSON_TYPE, ...(wait !== undefined && { 'Retry-After': String(wait) }) },
      body: answer.body,
    };
  }

  /** What every answer of the API itself has, as opposed to those of a proxy before it. */
  private finish(answer: Answer): Answer {
    const rate: Record<string, string> = { ...this.deps.limiter.headers() };
    if (answer.silent) delete rate['X-RateLimit-Reset'];
    const refused = answer.status >= 400 && this.deps.chosen.traits.refusalsWith200;
    return { ...answer, ...(refused && { status: 200 }), headers: { ...answer.headers, ...rate } };
  }
}

function attemptOf(route: ApiRoute, { method, path, operation, idempotencyKey }: LoggedRequest, body: string): Attempt {
  const orders = route.style === 'rest' ? route.jobId === undefined : /^generate/.test(operation);
  return { method, path, body, idempotencyKey, isOrder: method === 'POST' && orders };
}
