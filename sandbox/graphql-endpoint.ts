// Owns GraphQL over HTTP in the sandbox: what a request's type, body and Accept header must be like, by graphql-http.

import type { IncomingHttpHeaders } from 'node:http';
import { createHandler, parseRequestParams, type Response } from 'graphql-http';
import type { GraphqlEngine, Outcome } from './graphql-engine.ts';
import { Refusal, type RefusalCode } from './refusal.ts';
import type { Placement } from './service.ts';

export type GraphqlRequest = { headers: IncomingHttpHeaders; body: string; placement: Placement };
export type GraphqlAnswer = { status: number; body: string; retryAfterSeconds?: number };
export type GraphqlEndpoint = (request: GraphqlRequest) => Promise<GraphqlAnswer>;

type Context = { placement: Placement; outcome?: Outcome };

/** What graphql-http answers without a body. */
const bodilessCodes: Record<number, RefusalCode> = { 406: 'NOT_ACCEPTABLE', 415: 'UNSUPPORTED_MEDIA_TYPE' };

const answered = ({ status, body }: { status: number; body: object }): Response => [
  JSON.stringify(body),
  { status, statusText: '' },
];

/**
 * Execution is left to the engine: graphql-http would tell errors apart by `instanceof`, which fails where a bundler
 * or test runner gives it another copy of graphql than ours.
 */
export function createGraphqlEndpoint(run: GraphqlEngine): GraphqlEndpoint {
  const handle = createHandler<undefined, Context>({
    parseRequestParams: async (request) => {
      try {
        return await parseRequestParams(request);
      } catch (error) {
        const refusal = new Refusal('BAD_REQUEST', error instanceof Error ? error.message : 'Bad request');
        return answered({ status: refusal.httpStatus, body: refusal.body });
      }
    },
    onSubscribe: async ({ context }, { query, variables, operationName }) => {
      const outcome = await run({
        query,
        variables: variables ?? undefined,
        operationName: operationName ?? undefined,
        placement: context.placement,
      });
      context.outcome = outcome;
      return answered(outcome);
    },
  });

  return async ({ headers, body, placement }) => {
    const context: Context = { placement };
    const [answer, init] = await handle({
      method: 'POST',
      url: '/graphql',
      headers,
      body: () => body,
      raw: undefined,
      context,
    });
    if (answer === null) throw new Refusal(bodilessCodes[init.status] ?? 'BAD_REQUEST', init.statusText);
    const wait = context.outcome?.retryAfterSeconds;
    return { status: init.status, body: answer, ...(wait !== undefined && { retryAfterSeconds: wait }) };
  };
}
