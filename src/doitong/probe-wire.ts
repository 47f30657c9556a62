/** What a look at the service overhears of its own requests: headers, faults, and a gate that would keep it waiting. */
import type { Clock } from '../core/clock.ts';
import type { Failure } from '../core/failure.ts';
import type { FirstFailure, ReachStage, ReportedLimits, ResetForm } from '../core/service-report.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import { clockDifference, readRateHeaders, readReset } from './rate-headers.ts';
import type { Exchange, NetworkFault, Transport } from './transport.ts';

/** A person does not wait for a permit for longer than this. */
const WAIT_MAX_MS = 3_000;

const MEDIA_TYPE_CHARACTERS = 60;

type Answer = Exchange & { outcome: 'answered' };

export class ProbeWire {
  readonly transport: Transport;
  readonly limiter: RequestLimiter;
  readonly #deferred = new AbortController();
  #pausedUntil: number | undefined;
  #fault: NetworkFault | undefined;
  readonly #answers: { answer: Answer; at: number }[] = [];

  constructor({ transport, limiter, clock }: { transport: Transport; limiter: RequestLimiter; clock: Clock }) {
    this.transport = {
      exchange: async (request) => {
        const exchange = await transport.exchange(request);
        if (exchange.outcome === 'answered') this.#answers.push({ answer: exchange, at: clock.now() });
        else this.#fault = exchange.fault;
        return exchange;
      },
      close: async () => undefined,
    };
    this.limiter = {
      permit: async (ask) => {
        const answer = await limiter.permit(ask);
        if (answer.granted || answer.until - clock.now() <= WAIT_MAX_MS) return answer;
        this.#pausedUntil = answer.until;
        this.#deferred.abort(new Error('A permit would take too long.'));
        return answer;
      },
      learn: (reported) => limiter.learn(reported),
    };
  }

  /** Aborted when the next request would have to wait for too long. */
  get deferred(): AbortSignal {
    return this.#deferred.signal;
  }

  pausedUntil(): number | undefined {
    return this.#pausedUntil;
  }

  stage(): ReachStage {
    return this.#fault === undefined ? 'other' : stageOf(this.#fault);
  }

  /** What became of a request that was sent and not answered. */
  lostText(): string {
    if (this.stage() === 'time') return 'The service took the request and did not answer in time.';
    const { code } = this.#fault ?? {};
    return `The connection broke before an answer came${code === undefined ? '' : ` (${code})`}.`;
  }

  /** The failure that the last answer was taken for, and what kind of answer it was. */
  described(failure: Failure): FirstFailure {
    const type = this.#answers.at(-1)?.answer.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    return { failure, ...(type === undefined ? {} : { mediaType: cleanLine(type, MEDIA_TYPE_CHARACTERS) }) };
  }

  /** What the last answer that says anything of the limits told, and how far the clocks differ. */
  reported(): { clockAheadMs?: number; limits: ReportedLimits } {
    const dated = this.#answers.findLast(({ answer }) => answer.headers.date !== undefined);
    const rated = this.#answers.findLast(({ answer }) => Object.keys(answer.headers).some(isRateHeader));
    return {
      ...(dated === undefined ? {} : { clockAheadMs: clockDifference(dated.answer.headers.date, dated.at) }),
      limits: rated === undefined ? {} : limitsIn(rated.answer.headers, rated.at),
    };
  }
}

const isRateHeader = (name: string): boolean => name.startsWith('x-ratelimit-');

function limitsIn(headers: Readonly<Record<string, string>>, at: number): ReportedLimits {
  const { retryAfterMs: _, ...window } = readRateHeaders(headers, at);
  const resetForm = formOf(headers['x-ratelimit-reset'], at + clockDifference(headers.date, at));
  return { ...window, ...(resetForm === undefined ? {} : { resetForm }) };
}

/** Told by what was made of it: the page does not say which form it has. */
function formOf(header: string | undefined, now: number): ResetForm | undefined {
  if (header === undefined) return undefined;
  const at = readReset(header, now);
  if (at === undefined) return 'unreadable';
  const value = Number(header.split(/[;,]/u, 1)[0]);
  if (Number.isNaN(value)) return 'date';
  if (at === value * 1_000) return 'epoch_seconds';
  return at === value ? 'epoch_milliseconds' : 'seconds_from_now';
}

const NAME = /^(?:ENOTFOUND|EAI_)/u;
const TIME = /TIMEOUT|ETIMEDOUT/u;
const ENCRYPTION = /CERT|TLS|SSL|EPROTO|SIGNATURE|ISSUER/u;
const CONNECTION = /^(?:ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ECONNRESET|EADDRNOTAVAIL|ENETDOWN)/u;

function stageOf({ cause, code = '' }: NetworkFault): ReachStage {
  // The caller of a look is its own deadline.
  if (cause !== 'network' || TIME.test(code)) return 'time';
  if (NAME.test(code)) return 'name';
  if (CONNECTION.test(code)) return 'connection';
  return ENCRYPTION.test(code) ? 'encryption' : 'other';
}
