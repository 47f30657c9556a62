// Owns what a caller sees in place of an answer when a first-try fault is dealt.

import { type Answer, answerRefusal } from '../answer.ts';
import { Refusal } from '../refusal.ts';
import type { FirstTry } from './traits.ts';

const PROXY_PAGE =
  '<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n';

const serverError = (): Answer => answerRefusal(new Refusal('INTERNAL_SERVER_ERROR', 'Internal server error'));

/** `real` is the answer that the request would have got; a fault before charging has none. */
export function faultAnswer(fault: FirstTry, real?: Answer): Answer {
  switch (fault.answer) {
    case 'html':
      return { status: 502, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: PROXY_PAGE };
    case 'rate-limited':
      return answerRefusal(new Refusal('RATE_LIMIT_EXCEEDED', 'Rate limit exceeded', { retryAfterSeconds: 1 }));
    case 'rate-limited-silent':
      return { ...answerRefusal(new Refusal('RATE_LIMIT_EXCEEDED', 'Rate limit exceeded')), silent: true };
    case 'error':
      return serverError();
    case 'lost':
    case 'truncated':
      return { ...(real ?? serverError()), delivery: fault.answer };
    default:
      return fault satisfies never;
  }
}
