/** Waits until a request may leave, or says why that would take too long. */
import { OBEYED_DELAY_MAX_MS } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import { type Decision, faultDecision, type Purpose, rowDecision } from './failures.ts';

/** A window's end is told in whole seconds, rounded up. */
const ROUNDING_MS = 1_000;
/** Processes that wait for the same moment do not all come at once. */
const SPREAD_MS = 40;

export type PermitOptions = {
  purpose: Purpose;
  /** Jobs that are asked for in one request; 1 for everything else. */
  fields?: number | undefined;
  signal: AbortSignal;
  onWait?: ((until: number) => void) | undefined;
};

/** @returns `undefined` when the request may leave now; else why it does not: nothing was sent */
export async function awaitPermit(
  limiter: RequestLimiter,
  clock: Clock,
  options: PermitOptions,
): Promise<Decision | undefined> {
  const { purpose, fields = 1, signal, onWait } = options;
  for (;;) {
    if (signal.aborted) return faultDecision(false, { cause: 'caller' }, purpose);
    try {
      const answer = await limiter.permit({ purpose, fields });
      if (answer.granted) return undefined;
      const waitMs = answer.until - clock.now();
      // What the service demands is obeyed exactly, or told to the caller; our own count is over within a minute.
      if (answer.reported && waitMs > OBEYED_DELAY_MAX_MS + ROUNDING_MS) return paused(waitMs, purpose);
      onWait?.(answer.until);
      await clock.sleep(Math.max(1, waitMs) + SPREAD_MS * clock.random(), signal);
    } catch (error) {
      if (signal.aborted) continue;
      if (error instanceof FluxError) return withheld(error.failure, purpose);
      throw error;
    }
  }
}

/** A job that is only read was sent long ago: that this request was not says nothing of its credits. */
function withheld(failure: Failure, purpose: Purpose): Decision {
  const decision = rowDecision('paused', purpose);
  return { ...decision, failure: { ...failure, creditsSpent: decision.failure.creditsSpent } };
}

function paused(waitMs: number, purpose: Purpose): Decision {
  const decision = rowDecision('paused', purpose);
  return { ...decision, failure: { ...decision.failure, retryAfterSeconds: Math.ceil(waitMs / 1_000) } };
}
