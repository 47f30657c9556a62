/** One request to the service and what it made of it: permit, headers, deadline, envelope, verdict. */
import type { Clock } from '../core/clock.ts';
import type { RequestGate } from '../limits/limits.ts';
import { type ValidationProblem, validationProblems } from './discovery.ts';
import { type Envelope, openEnvelope, openRestEnvelope } from './envelope.ts';
import { answerVerdict, faultVerdict, type Purpose, type Quote, rowVerdict, type Verdict } from './failures.ts';
import { awaitPermit } from './permit.ts';
import { readRateHeaders } from './rate-headers.ts';
import { toldByService, toldDelay } from './rate-report.ts';
import type { Exchange, Transport } from './transport.ts';

/** The two doors of the service: each has a header of its own for the key. */
export type Door = 'graphql' | 'rest';

export type Call = {
  purpose: Purpose;
  door: Door;
  path: string;
  /** Absent: a GET. */
  body?: unknown;
  /** Longer answers are not read to their end. */
  maxBytes?: number;
  /** How many jobs are asked for in it; 1 for everything else. */
  fields?: number;
  idempotencyKey?: string;
  signal: AbortSignal;
  /** Called when the request has to wait for a permit until then (epoch milliseconds). */
  onWait?: ((until: number) => void) | undefined;
  /** Called when it may leave, before its first byte. */
  beforeSending?: (() => Promise<void>) | undefined;
};

export type Answered = {
  outcome: 'answered';
  status: number;
  envelope: Envelope;
  /** What is wrong with the document when nothing was executed; `undefined` in every other case. */
  problems: readonly ValidationProblem[] | undefined;
  /** What the answer means if the caller finds nothing of use in it. */
  verdict: Verdict;
  toldDelayMs: number | undefined;
  /** Parts of an order that it was sent without. */
  leftOut?: readonly string[];
};

export type Reply = Answered | { outcome: 'unanswered'; verdict: Verdict };

export type ApiClientParts = {
  transport: Transport;
  gate: RequestGate;
  clock: Clock;
  quote: Quote;
  apiKey: string | undefined;
  userAgent: string;
};

const DEADLINE_MS: Readonly<Record<Purpose, number>> = { submit: 30_000, read: 10_000 };
/** Validation happens before execution, so that only these statuses go with it. */
const VALIDATION_STATUSES: readonly number[] = [200, 400, 422];

export class ApiClient {
  readonly #parts: ApiClientParts;

  constructor(parts: ApiClientParts) {
    this.#parts = parts;
  }

  async send(call: Call): Promise<Reply> {
    const { transport, gate, clock } = this.#parts;
    const { purpose, signal } = call;
    const hindrance = await awaitPermit(gate, clock, call);
    if (hindrance !== undefined) return { outcome: 'unanswered', verdict: hindrance };
    await call.beforeSending?.();
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
    return { outcome: 'unanswered', verdict: faultVerdict(exchange.outcome === 'ambiguous', exchange.fault, purpose) };
  }

  #headersOf({ door, body, idempotencyKey }: Call): Record<string, string> {
    const { apiKey = '', userAgent } = this.#parts;
    return {
      ...(door === 'graphql' ? { authorization: `Bearer ${apiKey}` } : { 'x-api-key': apiKey }),
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
    { purpose, door, fields = 1 }: Call,
  ): Promise<Answered> {
    const { clock, gate, quote } = this.#parts;
    const { status } = exchange;
    const at = clock.now();
    const told = readRateHeaders(exchange.headers, at);
    const envelope = door === 'graphql' ? openEnvelope(exchange.body) : openRestEnvelope(status, exchange.body);
    const problems = door === 'graphql' ? problemsOf(status, envelope) : undefined;
    const verdict =
      problems === undefined
        ? answerVerdict(status, envelope, purpose, quote)
        : this.#validationVerdict(status, envelope, problems, purpose);
    const toldDelayMs = envelope.job ? undefined : toldDelay(verdict, told, at);
    await gate.learn({ ...toldByService(verdict, told, toldDelayMs, at), ...(fields > 1 ? { fields } : {}) });
    return { outcome: 'answered', status, envelope, problems, verdict, toldDelayMs };
  }

  #validationVerdict(
    status: number,
    { errors }: Envelope,
    problems: readonly ValidationProblem[],
    purpose: Purpose,
  ): Verdict {
    const onlyVariables = problems.every(({ problem }) => problem === 'bad_variables');
    const row = onlyVariables ? 'invalidRequest' : 'notOffered';
    return rowVerdict(row, purpose, { status, errors, quote: this.#parts.quote });
  }
}

function problemsOf(status: number, envelope: Envelope): ValidationProblem[] | undefined {
  if (envelope.data !== undefined || !VALIDATION_STATUSES.includes(status)) return undefined;
  return validationProblems(envelope.errors);
}
