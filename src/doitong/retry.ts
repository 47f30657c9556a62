/** The loop around the tries of one request: how many, how long between them, and when to stop. */
import {
  backOffMs,
  fullRetryBudget,
  OBEYED_DELAY_MAX_MS,
  payRetry,
  RETRY_COST,
  refillRetries,
} from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import type { Failure } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import type { Verdict } from './failures.ts';

export type Try<T> =
  | { value: T }
  | {
      verdict: Verdict;
      /** The delay that the service told, in milliseconds. */
      toldDelayMs?: number | undefined;
    };

/** What came of all tries; the failures in the order in which they happened. */
export type Tried<T> = { value: T } | { failures: readonly [Failure, ...Failure[]] };

export type RetryTerms = { what: string; attempts: number; signal: AbortSignal };

export interface Retries {
  /** Calls `once` until it brings a value or another try is not worth it. Never rejects for an aborted signal. */
  run<T>(once: () => Promise<Try<T>>, terms: RetryTerms): Promise<Tried<T>>;
}

/** One per process: the budget is shared by everything that is tried again. */
export function createRetries({ clock, log }: { clock: Clock; log: Log }): Retries {
  let budget = fullRetryBudget();

  function delayBeforeNext(verdict: Verdict, attempt: number, toldDelayMs: number | undefined): number | undefined {
    if (!verdict.repeated) return undefined;
    if (toldDelayMs !== undefined && toldDelayMs > OBEYED_DELAY_MAX_MS) return undefined;
    const cost = verdict.failure.creditsSpent === 'no' ? RETRY_COST.plain : RETRY_COST.ambiguous;
    const paid = payRetry(budget, cost);
    if (paid === undefined) {
      log.warn('Too many requests fail: this one is not tried again', { kind: verdict.failure.kind });
      return undefined;
    }
    budget = paid;
    // `Retry-After: 0`, or a date that has passed, is no wish to be asked without a pause.
    return Math.max(toldDelayMs ?? 0, backOffMs(attempt, clock.random()));
  }

  return {
    async run(once, { what, attempts, signal }) {
      const earlier: Failure[] = [];
      for (let attempt = 1; ; attempt += 1) {
        const result = await once();
        if ('value' in result) {
          budget = refillRetries(budget);
          return result;
        }
        const { verdict, toldDelayMs } = result;
        const failure = withDelay(verdict.failure, toldDelayMs);
        const over = attempt >= attempts || signal.aborted;
        const delayMs = over ? undefined : delayBeforeNext(verdict, attempt, toldDelayMs);
        log.info(`A try to ${what} failed`, { attempt, row: verdict.row, httpStatus: failure.httpStatus, delayMs });
        if (delayMs === undefined || !(await slept(clock, delayMs, signal))) {
          const [first, ...rest] = [...earlier, failure];
          return { failures: [first ?? failure, ...rest] };
        }
        earlier.push(failure);
      }
    },
  };
}

function withDelay(failure: Failure, toldDelayMs: number | undefined): Failure {
  if (toldDelayMs === undefined || toldDelayMs <= 0) return failure;
  return { ...failure, retryAfterSeconds: Math.ceil(toldDelayMs / 1_000) };
}

/** Whether the delay was slept to its end; `false` when the caller ended it. */
async function slept(clock: Clock, delayMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(delayMs, signal);
    return !signal.aborted;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
