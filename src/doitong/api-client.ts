/** One request to the service and what it made of it: permit, headers, deadline, envelope, decision. */
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import { askForPermit, awaitPermit } from '../limits/rate-state.ts';
import { type Envelope, openEnvelope, openRestEnvelope } from './envelope.ts';
import { answerDecision, type Decision, type Fence, faultDecision, type Purpose, rowDecision } from './failures.ts';
import { rateReportOf, readRateHeaders, reportedDelay } from './rate-headers.ts';
import type { Exchange, NetworkFault, Transport } from './transport.ts';
import { type ValidationProblem, validationProblems } from './validation-errors.ts';

/** The two endpoints of the service: each has a header of its own for the key. */
export type Endpoint = 'graphql' | 'rest';

export type Call = {
  purpose: Purpose;
  endpoint: Endpoint;
  path: string;
  /** Absent: a GET. */
  body?: unknown;
  /** Longer answers are not read to their end. */
  maxBytes?: number;
  /** How many jobs are asked for in it; 1 for everything else. */
  fields?: number;
  /** False: rather not sent than sent later. */
  mayWait?: boolean;
  idempotencyKey?: string;
  signal: AbortSignal;
};

export type Answered = {
  outcome: 'answered';
  status: number;
  headers: Readonly<Record<string, string>>;
  envelope: Envelope;
  /** What is wrong with the document when nothing was executed; `undefined` in every other case. */
  problems: readonly ValidationProblem[] | undefined;
  /** What the answer means if the caller finds nothing of use in it. */
  decision: Decision;
  reportedDelayMs: number | undefined;
};

/** `fault`: what became of a request that was made. */
export type Unanswered = { outcome: 'unanswered'; decision: Decision; fault?: NetworkFault };
export type Reply = Answered | Unanswered;

export type ApiClientDeps = {
  transport: Transport;
  limiter: RequestLimiter;
  clock: Clock;
  fence: Fence;
  apiKey: string | undefined;
  userAgent: string;
};

const DEADLINE_MS: Readonly<Record<Purpose, number>> = { submit: 30_000, read: 10_000 };
/** Validation happens before execution, so that only these statuses go with it. */
const VALIDATION_STATUSES: readonly number[] = [200, 400, 422];

const NOT_NOW: Unanswered = { outcome: 'unanswered', decision: rowDecision('paused', 'read') };

export class ApiClient {
  readonly #deps: ApiClientDeps;

  constructor(deps: ApiClientDeps) {
    this.#deps = deps;
  }

  /** Waits for a permit first. */
  async read(call: Omit<Call, 'purpose'>): Promise<Reply> {
    const { limiter, clock } = this.#deps;
    const { fields = 1, mayWait = true, signal } = call;
    const ask = { purpose: 'read', fields } as const;
    try {
      if (mayWait) await awaitPermit(limiter, clock, ask, signal);
      else if ((await askForPermit(limiter, clock, ask)) !== undefined) return NOT_NOW;
    } catch (error) {
      if (signal.aborted) return { outcome: 'unanswered', decision: faultDecision(false, { cause: 'caller' }, 'read') };
      if (!(error instanceof FluxError)) throw error;
      // A job that is only read was sent long ago: that this request was not says nothing of its credits.
      const failure = { ...error.failure, creditsSpent: 'maybe' as const };
      return { outcome: 'unanswered', decision: { row: 'paused', failure, repeated: false } };
    }
    return this.send({ ...call, purpose: 'read' });
  }

  /** The caller has a permit. */
  async send(call: Call): Promise<Reply> {
    const { transport } = this.#deps;
    const { purpose, signal } = call;
    const exchange = await transport.exchange({
      method: call.body === undefined ? 'GET' : 'POST',
      path: call.path,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      headers: this.#headersOf(call),
      ...(call.maxBytes === undefined ? {} : { maxBytes: call.maxBytes }),
      deadlineMs: DEADLINE_MS[purpose],
      connection: purpose === 'submit' ? 'fresh' : 'kept',
      signal,
    });
    if (exchange.outcome === 'answered') return this.#answered(exchange, call);
    const { outcome, fault } = exchange;
    return { outcome: 'unanswered', fault, decision: faultDecision(outcome === 'ambiguous', fault, purpose) };
  }

  #headersOf({ endpoint, body, idempotencyKey }: Call): Record<string, string> {
    const { apiKey = '', userAgent } = this.#deps;
    return {
      ...(endpoint === 'graphql' ? { authorization: `Bearer ${apiKey}` } : { 'x-api-key': apiKey }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      accept: 'application/json',
      // Some services compress all the same, which is decoded; there is no need to ask for it.
      'accept-encoding': 'identity',
      'user-agent': userAgent,
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    };
  }

  async #answered(
    exchange: Exchange & { outcome: 'answered' },
    { purpose, endpoint, fields = 1 }: Call,
  ): Promise<Answered> {
    const { clock, limiter, fence } = this.#deps;
    const { status, headers } = exchange;
    const at = clock.now();
    const reported = readRateHeaders(headers, at);
    const envelope = endpoint === 'graphql' ? openEnvelope(exchange.body) : openRestEnvelope(status, exchange.body);
    const problems = endpoint === 'graphql' ? problemsOf(status, envelope) : undefined;
    const decision =
      problems === undefined
        ? answerDecision(status, envelope, purpose, fence)
        : this.#validationDecision(status, envelope, problems, purpose);
    const reportedDelayMs = envelope.job ? undefined : reportedDelay(decision, reported, at);
    await limiter.learn({
      ...rateReportOf(decision, reported, reportedDelayMs, at),
      ...(fields > 1 ? { fields } : {}),
    });
    return { outcome: 'answered', status, headers, envelope, problems, decision, reportedDelayMs };
  }

  #validationDecision(
    status: number,
    { errors }: Envelope,
    problems: readonly ValidationProblem[],
    purpose: Purpose,
  ): Decision {
    const onlyVariables = problems.every(({ problem }) => problem === 'bad_variables');
    const row = onlyVariables ? 'invalidRequest' : 'notOffered';
    return rowDecision(row, purpose, { status, errors, fence: this.#deps.fence });
  }
}

function problemsOf(status: number, envelope: Envelope): ValidationProblem[] | undefined {
  if (envelope.data !== undefined || !VALIDATION_STATUSES.includes(status)) return undefined;
  return validationProblems(envelope.errors);
}
