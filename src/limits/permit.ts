/** Waits until a request may leave, or says why that would take too long. */
import { OBEYED_DELAY_MAX_MS } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import type { PermitAsk, RequestLimiter } from './limits.ts';

/** The end of a window is reported in whole seconds, rounded up. */
const ROUNDING_MS = 1_000;
/** Processes that wait for the same moment do not all come at once. */
const SPREAD_MS = 40;

/** When to ask again (epoch milliseconds), and how long to sleep until then. */
export type PermitWait = { until: number; delayMs: number };

/**
 * Asks for a permit once.
 * @returns `undefined` when the request may leave now
 * @throws FluxError when the service demands a longer pause than a caller waits for; nothing was sent
 */
export async function askForPermit(
  limiter: Pick<RequestLimiter, 'permit'>,
  clock: Pick<Clock, 'now' | 'random'>,
  ask: PermitAsk,
): Promise<PermitWait | undefined> {
  const answer = await limiter.permit(ask);
  if (answer.granted) return undefined;
  const waitMs = answer.until - clock.now();
  // What the service demands is obeyed exactly, or reported to the caller; our own count is over within a minute.
  if (answer.reported && waitMs > OBEYED_DELAY_MAX_MS + ROUNDING_MS) throw paused(waitMs);
  return { until: answer.until, delayMs: Math.max(1, waitMs) + SPREAD_MS * clock.random() };
}

/**
 * @param onWait called with the time of the next try (epoch milliseconds) before each wait
 * @throws FluxError as `askForPermit` does; rejects with `signal.reason` when that is aborted
 */
export async function awaitPermit(
  limiter: Pick<RequestLimiter, 'permit'>,
  clock: Clock,
  ask: PermitAsk,
  signal: AbortSignal,
  onWait?: (until: number) => void,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const wait = await askForPermit(limiter, clock, ask);
    if (wait === undefined) return;
    onWait?.(wait.until);
    await clock.sleep(wait.delayMs, signal);
  }
}

function paused(waitMs: number): FluxError {
  return new FluxError({
    kind: 'rate_limited',
    message: 'The service has asked for no requests until its limit is over, so nothing was sent.',
    creditsSpent: 'no',
    retry: 'later',
    retryAfterSeconds: Math.ceil(waitMs / 1_000),
  });
}
