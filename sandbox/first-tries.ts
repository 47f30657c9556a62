// Owns the faults of first tries: which of them meets a try of a request, and what its caller sees then.

import { type Answer, answerRefusal, type LoggedRequest, Refusal, tooMany } from './http.ts';
import { DIALECTS } from './job.ts';
import type { ScenarioName, Scenarios } from './scenarios.ts';

/**
 * `proxy` faults come before everything and meet every request to the API; the others meet orders only,
 * `after-charging` ones those that were carried out.
 */
type Stage = 'proxy' | 'before-charging' | 'after-charging';

const rateLimited = (waitMs: number): Answer =>
  answerRefusal(tooMany('RATE_LIMIT_EXCEEDED', 'Rate limit exceeded', waitMs));
const serverError = (): Answer => answerRefusal(new Refusal(500, 'INTERNAL_SERVER_ERROR', 'Internal server error'));
const proxyPage = (): Answer => ({
  status: 502,
  headers: { 'Content-Type': 'text/html; charset=utf-8' },
  body: '<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n',
  lacks: 'rate-headers',
});

const faults: Partial<Record<ScenarioName, { stage: Stage; answer: (real: Answer) => Answer }>> = {
  'rate-limited': { stage: 'before-charging', answer: () => rateLimited(1_000) },
  'rate-limited-silent': { stage: 'before-charging', answer: () => ({ ...rateLimited(Infinity), lacks: 'reset' }) },
  'error-before-charge': { stage: 'before-charging', answer: serverError },
  'error-after-charge': { stage: 'after-charging', answer: serverError },
  'lost-reply': { stage: 'after-charging', answer: (real) => ({ ...real, delivery: 'lost' }) },
  'truncated-reply': { stage: 'after-charging', answer: (real) => ({ ...real, delivery: 'truncated' }) },
  'proxy-html': { stage: 'proxy', answer: proxyPage },
};

/**
 * Tries are of one request when they repeat its idempotency key or, where none is sent, its body: a repetition goes
 * through as soon as each fault was injected once, in the order of `scenarios`.
 */
export function createFirstTries(scenarios: Scenarios) {
  const chosen = [...scenarios].flatMap((scenario) => (faults[scenario] ? [{ scenario, ...faults[scenario] }] : []));
  /** How many faults each request has met. */
  const dealt = new Map<string, number>();

  /** What a fault of this stage answers in place of `real`; undefined: this try meets none. The log entry names it. */
  return (stage: Stage, entry: LoggedRequest, body: string, real?: Answer): Answer | undefined => {
    const { method, path, operation, idempotencyKey } = entry;
    const isOrder = method === 'POST' && DIALECTS.some((name) => name === operation);
    const request = idempotencyKey ?? JSON.stringify([method, path, body]);
    const before = dealt.get(request) ?? 0;
    const fault = chosen.filter((one) => isOrder || one.stage === 'proxy')[before];
    if (fault?.stage !== stage) return undefined;
    dealt.set(request, before + 1);
    entry.fault = fault.scenario;
    return fault.answer(real ?? serverError());
  };
}
