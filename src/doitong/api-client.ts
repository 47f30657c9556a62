/** One request to the service and what came of it: permit, connection, deadline, headers, time, envelope, decision. */
import type { Dispatcher } from 'undici';
import type { Clock, Times } from '../core/ports.ts';
import { wholeContent } from '../core/content-encoding.ts';
import { codeOf, type Failure, FluxError } from '../core/failure.ts';
import type { ProxySettings } from '../core/proxy.ts';
import type { Redact } from '../core/redaction.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import { awaitPermit } from '../limits/rate-state.ts';
import { ConnectFailure } from '../network/connect-failure.ts';
import { createPool } from '../network/connector.ts';
import { type Envelope, openEnvelope, openRestEnvelope } from './envelope.ts';
import { answerDecision, type Decision, faultDecision, type WireFault, type Purpose, rowDecision } from './failures.ts';
import { date, rateReportOf, readRateHeaders, reportedDelay } from './rate-headers.ts';
import { type ValidationProblem, validationProblems } from './validation-errors.ts';

export type Call = {
  purpose: Purpose;
  /** At the REST endpoint; absent: GraphQL. Without a body: a GET. */
  path?: string | undefined;
  body?: object;
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

type Unanswered = { outcome: 'unanswered'; decision: Decision };
export type Reply = Answered | Unanswered;

export type ApiClientDeps = {
  transport: Transport;
  limiter: RequestLimiter;
  clock: Clock;
  redact: Redact;
  apiKey: string | undefined;
  userAgent: string;
};

/** Validation happens before execution, so that only these statuses go with it. */
const VALIDATION_STATUSES: readonly number[] = [200, 400, 422];
/** Nothing is at this address, whatever is asked there. */
export const isPathAbsent = (status: number): boolean => status === 404 || status === 405;
const NOT_NOW: Unanswered = { outcome: 'unanswered', decision: rowDecision('paused', 'read') };

export class ApiClient {
  readonly time: ServiceTime;

  constructor(private readonly deps: ApiClientDeps) {
    this.time = new ServiceTime(deps.clock);
  }

  /** Why nothing can be asked of the service at all, or `undefined`. */
  readonly unavailable = (): Failure | undefined => {
    const { apiKey = '' } = this.deps;
    if (/^[\x21-\x7e]+$/u.test(apiKey)) return undefined;
    const code = apiKey === '' ? 'no_api_key' : 'api_key_unusable';
    return { kind: 'bad_key', reason: { code }, creditsSpent: 'no', retry: 'no' };
  };

  /** `times` of the port. @param refresh asks for the headers of an answer */
  timesWith(refresh: (signal: AbortSignal) => Promise<void>) {
    return async (ask?: AbortSignal): Promise<Times> => {
      if (ask !== undefined && this.time.now() === undefined) await refresh(ask).catch(() => undefined);
      return { here: this.deps.clock.now(), there: this.time.now() };
    };
  }

  async read(call: Omit<Call, 'purpose'>): Promise<Reply> {
    const { limiter, clock } = this.deps;
    const { fields = 1, mayWait = true, signal } = call;
    const ask = { purpose: 'read', fields } as const;
    try {
      if (mayWait) await awaitPermit(limiter, clock, ask, signal);
      else if (!(await limiter.permit(ask)).granted) return NOT_NOW;
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
    const { transport, apiKey = '', userAgent } = this.deps;
    const { purpose, path, body, maxBytes, idempotencyKey, signal } = call;
    const exchange = await transport.exchange({
      method: body === undefined ? 'GET' : 'POST',
      path: path ?? '/graphql',
      body: body && JSON.stringify(body),
      headers: {
        ...(path === undefined ? { authorization: `Bearer ${apiKey}` } : { 'x-api-key': apiKey }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        accept: 'application/json',
        // Some services compress all the same, which is decoded; there is no need to ask for it.
        'accept-encoding': 'identity',
        'user-agent': userAgent,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      maxBytes,
      purpose,
      signal,
    });
    if (exchange.outcome === 'answered') return this.#answered(exchange, call);
    const { outcome, fault } = exchange;
    return { outcome: 'unanswered', decision: faultDecision(outcome === 'ambiguous', fault, purpose) };
  }

  async #answered(
    { status, headers, body }: Exchange & { outcome: 'answered' },
    { purpose, path, fields = 1 }: Call,
  ): Promise<Answered> {
    const { clock, limiter, redact } = this.deps;
    const at = clock.now();
    const reported = readRateHeaders(headers, at);
    const envelope = path === undefined ? openEnvelope(body, redact) : openRestEnvelope(status, body, redact);
    const { errors, data } = envelope;
    const mayBeInvalid = path === undefined && data === undefined && VALIDATION_STATUSES.includes(status);
    const problems = mayBeInvalid ? validationProblems(errors) : undefined;
    const isContent = problems?.every(({ problem }) => problem === 'bad_variables') === true;
    // Machines on the way answer by clocks of their own.
    if (data !== undefined || problems !== undefined) this.time.learn(headers.date);
    const decision =
      problems === undefined
        ? answerDecision(status, errors, purpose)
        : rowDecision(isContent ? 'invalidRequest' : 'notOffered', purpose, { status, errors });
    const reportedDelayMs = envelope.job ? undefined : reportedDelay(decision, reported, at);
    await limiter.learn({ ...rateReportOf(decision, reported, reportedDelayMs, at), ...(fields > 1 && { fields }) });
    return { outcome: 'answered', status, headers, envelope, problems, decision, reportedDelayMs };
  }
}

/** More than two clocks of one machine drift apart in a day. */
const SAME_MS = 60_000;
/** Outside of this it is a clock that was never set, or nonsense. */
const [EARLIEST, LATEST] = [Date.UTC(2025, 0), Date.UTC(2100, 0)];

/** The service's own time, by the `Date` of its answers: this machine's clock may be set while an order is open. */
export class ServiceTime {
  #last: { there: number; here: number; monotonic: number } | undefined;

  constructor(private readonly clock: Pick<Clock, 'now' | 'monotonic'>) {}

  learn(header: string | undefined): void {
    const there = date(header);
    if (there === undefined || there < EARLIEST || there > LATEST) return;
    this.#last = { there, here: this.clock.now(), monotonic: this.clock.monotonic() };
  }

  /** Epoch milliseconds; `undefined`: no answer has told, or nobody knows how long ago it told. */
  now(): number | undefined {
    if (this.#last === undefined) return undefined;
    const { there, here, monotonic } = this.#last;
    const passedMs = this.clock.monotonic() - monotonic;
    // While a machine sleeps, its monotonic clock stands still; a clock that is set forward looks the same.
    return this.clock.now() - here > passedMs + SAME_MS ? undefined : there + passedMs;
  }
}

export type Exchange =
  /** `body` is undefined when it was cut off, longer than the limit, or in an encoding that cannot be decoded. */
  | { outcome: 'answered'; status: number; headers: Readonly<Record<string, string>>; body: string | undefined }
  /** Not one byte of the request left this process, or it may have been carried out. */
  | { outcome: 'not_sent' | 'ambiguous'; fault: WireFault };

export type WireRequest = {
  method: 'GET' | 'POST';
  path: string;
  body?: string | undefined;
  /** Longer answers are not read to their end; 42 MB where nothing is said. */
  maxBytes?: number | undefined;
  headers: Readonly<Record<string, string>>;
  purpose: Purpose;
  signal: AbortSignal;
};

export interface Transport {
  exchange(request: WireRequest): Promise<Exchange>;
  /** Ends connections; exchanges under way end as they stand. */
  close(): Promise<void>;
}

const DEADLINE_MS: Readonly<Record<Purpose, number>> = { submit: 30_000, read: 10_000 };
/** Deadlines are signals; undici's own timers come late and only catch what a signal should have ended. */
const BACK_STOP_MS = 60_000;
/** A picture of 30 MB as Base64, which some services send inside the answer, and the job around it. */
const BODY_MAX_BYTES = 42_000_000;

/** `origin` is fixed: the request carries the key, and undici's dispatchers follow no redirects. */
export function createTransport(origin: string, clock: Clock, proxies: ProxySettings = {}): Transport {
  const options = { headersTimeout: BACK_STOP_MS, bodyTimeout: BACK_STOP_MS, connections: 16 };
  const kept = createPool(origin, { clock, proxies }, options);
  // Without pipelining undici says `Connection: close` and never uses a connection twice.
  const fresh = createPool(origin, { clock, proxies }, { ...options, pipelining: 0 });
  return {
    async exchange(request) {
      const deadline = clock.deadline(DEADLINE_MS[request.purpose]);
      // An order has a connection of its own, so that a stale kept one can never make a payment ambiguous.
      const agent = request.purpose === 'submit' ? fresh : kept;
      return oneExchange(agent, request, deadline.signal).finally(() => deadline.clear());
    },
    close: async () => void (await Promise.all([kept.destroy(), fresh.destroy()])),
  };
}

type IncomingHeaders = Record<string, string | string[] | undefined>;

function oneExchange(
  agent: Dispatcher,
  { method, path, body, maxBytes = BODY_MAX_BYTES, headers, signal: caller }: WireRequest,
  deadline: AbortSignal,
): Promise<Exchange> {
  const signal = AbortSignal.any([caller, deadline]);
  return new Promise((resolve) => {
    /** Given right before the first write: without it nothing has left. */
    let controller: Dispatcher.DispatchController | undefined;
    let head: { status: number; headers: IncomingHeaders } | undefined;
    const chunks: Buffer[] = [];
    let size = 0;
    let isSettled = false;
    const settle = (exchange: Exchange): void => {
      isSettled = true;
      signal.removeEventListener('abort', onAbort);
      resolve(exchange);
    };
    const answered = (text: string | undefined): void => {
      if (head !== undefined)
        settle({ outcome: 'answered', status: head.status, headers: firstValues(head.headers), body: text });
    };
    const end = (error: unknown, cause: WireFault['cause'] = 'network'): void => {
      const connect = error instanceof ConnectFailure ? error.problem : undefined;
      const fault: WireFault = { cause, code: faultCode(error), connect };
      if (head !== undefined) answered(undefined);
      else settle({ outcome: controller === undefined ? 'not_sent' : 'ambiguous', fault });
      controller?.abort(new Error('The call has ended.'));
    };
    const onAbort = (): void => end(signal.reason, caller.aborted ? 'caller' : 'deadline');
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(given) {
        if (isSettled) given.abort(new Error('The call has ended.'));
        else controller = given;
      },
      onResponseStart(_, status, received) {
        if (status >= 200) head = { status, headers: received };
      },
      onResponseData(_, chunk) {
        size += chunk.length;
        if (size > maxBytes) end(undefined);
        else chunks.push(chunk);
      },
      onResponseEnd() {
        if (head === undefined) end(undefined);
        else void textOf(chunks, head.headers['content-encoding'], maxBytes).then(answered);
      },
      onResponseError: (_, error) => end(error),
    };
    try {
      agent.dispatch({ path, method, body: body ?? null, headers: { ...headers } }, handler);
    } catch (error) {
      end(error);
    }
  });
}

async function textOf(chunks: Buffer[], encoding: IncomingHeaders[string], maxBytes: number) {
  const content = await wholeContent(chunks, encoding, { maxBytes, isReadable: mayBeJson }).catch(() => undefined);
  // This removes a byte order mark and replaces what is not UTF-8.
  return content && new TextDecoder().decode(content);
}

/** Compressed bytes do not begin so. */
function mayBeJson(bytes: Uint8Array): boolean {
  return /^[\uFEFF\s]*[{[]/u.test(new TextDecoder().decode(bytes.subarray(0, 100)));
}

function firstValues(headers: IncomingHeaders): Record<string, string> {
  const values = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value].flat()[0]]);
  return Object.fromEntries(values.filter(([, first]) => first !== undefined));
}

function faultCode(error: unknown): string | undefined {
  if (error instanceof ConnectFailure) return 'errorCode' in error.problem ? error.problem.errorCode : undefined;
  if (!(error instanceof Error)) return undefined;
  return codeOf(error) ?? (error.cause instanceof Error ? faultCode(error.cause) : error.name);
}
