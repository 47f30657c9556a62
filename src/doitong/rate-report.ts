/** What an answer tells for later: the request window, a pause, the balance. */
import type { ToldByService } from '../limits/limits.ts';
import type { Verdict } from './failures.ts';
import type { RateHeaders } from './rate-headers.ts';

/**
 * The delay before the next try that the service told, in milliseconds: `Retry-After`, else the window's reset after a
 * rate limit. `at` is the time of the answer in epoch milliseconds.
 */
export function toldDelay({ row }: Verdict, told: RateHeaders, at: number): number | undefined {
  const untilReset = row === 'rateLimited' && told.resetsAt !== undefined ? told.resetsAt - at : undefined;
  // A reset that has passed belongs to another clock than ours.
  return told.retryAfterMs ?? (untilReset !== undefined && untilReset > 0 ? untilReset : undefined);
}

/** @param delayMs what `toldDelay` found, of a refusal; undefined for an answer that is none */
export function toldByService(
  verdict: Verdict,
  { retryAfterMs: _, ...window }: RateHeaders,
  delayMs: number | undefined,
  at: number,
): ToldByService {
  const { creditsAvailable } = verdict.failure;
  return {
    window,
    // A limit on jobs says nothing against asking for their status.
    ...(delayMs === undefined || verdict.row === 'jobLimited' ? {} : { pausedUntil: at + delayMs }),
    ...(creditsAvailable === undefined ? {} : { balance: creditsAvailable }),
  };
}
