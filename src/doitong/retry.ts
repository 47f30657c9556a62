/** Decides whether a failed request is tried again, and when; holds the loop around the tries of a status read. */
import { backOffMs, OBEYED_DELAY_MAX_MS } from '../core/primitives.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Failure } from '../core/failure.ts';
import type { Decision } from './failures.ts';

export type FailedTry = {
  decision: Decision;
  reportedDelayMs?: number | undefined;
};

export type Try<T> = { value: T } | FailedTry;

type Tried<T> = { value: T } | { failure: Failure; row: Decision['row'] };

type RetryOptions = { what: string; attempts: number; signal: AbortSignal };

const TOKENS_MAX = 50;
/** Of a retry. Each success gives one token back. */
const TOKENS = { plain: 5, ambiguous: 10 } as const;

/** One per process: everything that is tried again pays from one budget, so that an outage is not answered with a storm. */
export class Retries {
  #tokens = TOKENS_MAX;

  /** @param deps `attemptsMax`: fewer than are usual, for somebody who does not wait */
  constructor(private readonly deps: { clock: Clock; log: Log; attemptsMax?: number }) {}

  /** Calls `once` until it brings a value or another try is not worth it. Never rejects for an aborted signal. */
  async run<T>(once: () => Promise<Try<T>>, options: RetryOptions): Promise<Tried<T>> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await once();
      if ('value' in result) {
        this.succeeded();
        return result;
      }
      const { failure, delayMs } = this.after(result, attempt, options);
      const ended = { failure, row: result.decision.row };
      if (delayMs === undefined) return ended;
      await this.deps.clock.sleep(delayMs, options.signal).catch((error: unknown) => {
        if (!options.signal.aborted) throw error;
      });
      if (options.signal.aborted) return ended;
    }
  }

  succeeded(): void {
    this.#tokens = Math.min(TOKENS_MAX, this.#tokens + 1);
  }

  /** What a failed try means, and after which delay the next one follows. @param attempt counts from 1 */
  after({ decision, reportedDelayMs }: FailedTry, attempt: number, { what, attempts, signal }: RetryOptions) {
    const { failure, row } = decision;
    const { log, attemptsMax = attempts } = this.deps;
    const isLast = attempt >= Math.min(attempts, attemptsMax) || signal.aborted;
    const delayMs = isLast ? undefined : this.#delayBeforeNext(decision, attempt, reportedDelayMs);
    log.info(`A try to ${what} failed`, { attempt, row, httpStatus: failure.httpStatus, delayMs });
    const retryAfterSeconds = Math.ceil((reportedDelayMs ?? 0) / 1_000);
    return { failure: retryAfterSeconds > 0 ? { ...failure, retryAfterSeconds } : failure, delayMs };
  }

  #delayBeforeNext(decision: Decision, attempt: number, reportedDelayMs: number | undefined): number | undefined {
    if (!decision.repeated) return undefined;
    if (reportedDelayMs !== undefined && reportedDelayMs > OBEYED_DELAY_MAX_MS) return undefined;
    const { kind, creditsSpent } = decision.failure;
    const cost = creditsSpent === 'no' ? TOKENS.plain : TOKENS.ambiguous;
    if (this.#tokens < cost) {
      this.deps.log.warn('Too many requests fail: this one is not tried again', { kind });
      return undefined;
    }
    this.#tokens -= cost;
    // `Retry-After: 0`, or a date that has passed, is no wish to be asked without a pause.
    return Math.max(reportedDelayMs ?? 0, backOffMs(attempt, this.deps.clock.random()));
  }
}
