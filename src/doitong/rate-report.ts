/** What to remember from an answer: the request window, a pause, the balance. */
import type { RateReport } from '../limits/rate-state.ts';
import type { Decision } from './failures.ts';
import type { RateHeaders } from './rate-headers.ts';

/**
 * The delay before the next try that the service asked for, in milliseconds: `Retry-After`, else the window's reset after a
 * rate limit. `at` is the time of the answer in epoch milliseconds.
 */
export function reportedDelay({ row }: Decision, reported: RateHeaders, at: number): number | undefined {
  const untilReset = row === 'rateLimited' && reported.resetsAt !== undefined ? reported.resetsAt - at : undefined;
  // A reset that has passed belongs to another clock than ours.
  return reported.retryAfterMs ?? (untilReset !== undefined && untilReset > 0 ? untilReset : undefined);
}

/** @param delayMs what `reportedDelay` found, of a refusal; undefined for an answer that is none */
export function rateReportOf(
  decision: Decision,
  { retryAfterMs: _, ...window }: RateHeaders,
  delayMs: number | undefined,
  at: number,
): RateReport {
  const { creditsAvailable } = decision.failure;
  return {
    window,
    // A limit on jobs says nothing against asking for their status.
    ...(delayMs === undefined || decision.row === 'jobLimited' ? {} : { pausedUntil: at + delayMs }),
    ...(creditsAvailable === undefined ? {} : { balance: creditsAvailable }),
  };
}
