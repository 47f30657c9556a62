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
import type { Decision } from './failures.ts';

export type Try<T> =
  | { value: T }
  | {
      decision: Decision;
      /** The delay that the service told, in milliseconds. */
      reportedDelayMs?: number | undefined;
    };

/** What came of all tries; the failures in the order in which they happened. */
export type Tried<T> = { value: T } | { failures: readonly [Failure, ...Failure[]] };

export type RetryOptions = { what: string; attempts: number; signal: AbortSignal };

export interface Retries {
  /** Calls `once` until it brings a value or another try is not worth it. Never rejects for an aborted signal. */
  run<T>(once: () => Promise<Try<T>>, options: RetryOptions): Promise<Tried<T>>;
}

/** One per process: the budget is shared by everything that is tried again. */
export function createRetries({ clock, log }: { clock: Clock; log: Log }): Retries {
  let budget = fullRetryBudget();

  function delayBeforeNext(
    decision: Decision,
    attempt: number,
    reportedDelayMs: number | undefined,
  ): number | undefined {
    if (!decision.repeated) return undefined;
    if (reportedDelayMs !== undefined && reportedDelayMs > OBEYED_DELAY_MAX_MS) return undefined;
    const cost = decision.failure.creditsSpent === 'no' ? RETRY_COST.plain : RETRY_COST.ambiguous;
    const paid = payRetry(budget, cost);
    if (paid === undefined) {
      log.warn('Too many requests fail: this one is not tried again', { kind: decision.failure.kind });
      return undefined;
    }
    budget = paid;
    // `Retry-After: 0`, or a date that has passed, is no wish to be asked without a pause.
    return Math.max(reportedDelayMs ?? 0, backOffMs(attempt, clock.random()));
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
        const { decision, reportedDelayMs } = result;
        const failure = withDelay(decision.failure, reportedDelayMs);
        const isLast = attempt >= attempts || signal.aborted;
        const delayMs = isLast ? undefined : delayBeforeNext(decision, attempt, reportedDelayMs);
        log.info(`A try to ${what} failed`, { attempt, row: decision.row, httpStatus: failure.httpStatus, delayMs });
        if (delayMs === undefined || !(await slept(clock, delayMs, signal))) {
          const [first, ...rest] = [...earlier, failure];
          return { failures: [first ?? failure, ...rest] };
        }
        earlier.push(failure);
      }
    },
  };
}

function withDelay(failure: Failure, reportedDelayMs: number | undefined): Failure {
  if (reportedDelayMs === undefined || reportedDelayMs <= 0) return failure;
  return { ...failure, retryAfterSeconds: Math.ceil(reportedDelayMs / 1_000) };
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
