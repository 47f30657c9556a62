// Owns the faults of first tries: which of them meets a try of a request, and what its caller sees then.

import { createHash } from 'node:crypto';
import { type Answer, answerRefusal, Refusal } from '../answer.ts';
import type { LoggedRequest } from '../request-log.ts';
import type { FirstTryFault } from './scenarios.ts';
import type { FirstTry } from './traits.ts';

export type Attempt = {
  method: string;
  path: string;
  body: string;
  idempotencyKey: string | undefined;
  isOrder: boolean;
};

const KEPT_REQUESTS = 10_000;

/**
 * Tries are of one request when they repeat its idempotency key or, where none is sent, its body: a repetition goes
 * through as soon as each fault was injected once.
 */
export function createFirstTries(faults: readonly FirstTryFault[]) {
  const dealt = new Map<string, number>();

  /** What a fault of this stage answers in place of `real`; undefined: this try meets none. The log entry names it. */
  return (stage: FirstTry['stage'], attempt: Attempt, entry: LoggedRequest, real?: Answer): Answer | undefined => {
    const request = requestOf(attempt);
    const before = dealt.get(request) ?? 0;
    const fault = faults.filter((one) => attempt.isOrder || one.stage === 'proxy')[before];
    if (fault?.stage !== stage) return undefined;
    dealt.set(request, before + 1);
    const [oldest] = dealt.keys();
    if (dealt.size > KEPT_REQUESTS && oldest !== undefined) dealt.delete(oldest);
    entry.fault = fault.scenario;
    return answerOf(fault, real);
  };
}

function requestOf({ method, path, body, idempotencyKey }: Attempt): string {
  if (idempotencyKey !== undefined) return `key ${idempotencyKey}`;
  const hash = createHash('sha256').update(JSON.stringify([method, path, body]));
  return `body ${hash.digest('hex')}`;
}

const PROXY_PAGE =
  '<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n';

function answerOf({ answer }: FirstTry, real?: Answer): Answer {
  switch (answer) {
    case 'html':
      return {
        status: 502,
        headers: { 'Content-Type': 'text/html; charset=utf-8' },
        body: PROXY_PAGE,
        lacks: 'rate-headers',
      };
    case 'rate-limited':
      return answerRefusal(new Refusal('RATE_LIMIT_EXCEEDED', 'Rate limit exceeded', { retryAfterSeconds: 1 }));
    case 'rate-limited-silent':
      return { ...answerRefusal(new Refusal('RATE_LIMIT_EXCEEDED', 'Rate limit exceeded')), lacks: 'reset' };
    case 'error':
      return serverError();
    case 'lost':
    case 'truncated':
      return { ...(real ?? serverError()), delivery: answer };
    default:
      return answer satisfies never;
  }
}

const serverError = (): Answer => answerRefusal(new Refusal('INTERNAL_SERVER_ERROR', 'Internal server error'));
