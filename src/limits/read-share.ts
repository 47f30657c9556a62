/** How many requests of a window reads may use: orders come first, because nothing is paid for without them. */
import { permitsLeft, type RateState, type RequestWindow, takePermit } from './rate-state.ts';

/** An order may come at any moment: this part of every window is left to it. */
const FOR_COMING_ORDERS = 0.2;

/**
 * Requests of a window that reads leave to orders.
 * @param limit requests per window; null: none is known
 * @param waiting orders that have not been sent yet
 * @param slots jobs at a time that the plan allows; null: no limit
 */
export function keptForOrders(limit: number | null, waiting: number, slots: number | null): number {
  if (limit === null) return 0;
  const wanted = Math.max(Math.ceil(limit * FOR_COMING_ORDERS), waiting);
  // More than the plan's slots cannot be sent soon.
  return Math.max(0, Math.min(limit - 1, wanted, slots ?? wanted));
}

/** What reads may use. `refillMs`: until another request comes back to them, 0 when one is left. */
export type ReadAllowance = { left: number | null; perWindow: number | null; windowMs: number; refillMs: number };

export function readAllowance(
  rateState: RateState,
  limit: number | null,
  counting: RequestWindow,
  kept: number,
  now: number,
): ReadAllowance {
  const left = permitsLeft(rateState, limit, counting, now);
  const next = takePermit(rateState, limit, counting, now, { kept });
  return {
    left: left === null ? null : Math.max(0, left - kept),
    perWindow: limit === null ? null : Math.max(1, limit - kept),
    windowMs: counting.windowMs,
    refillMs: next.type === 'granted' ? 0 : next.until - now,
  };
}
