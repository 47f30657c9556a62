/** How long to wait between tries. */

const BASE_MS = 500;
const FACTOR = 2;
const CAP_MS = 20_000;
/** A server's own delay above this is returned to the caller instead of being slept. */
export const OBEYED_DELAY_MAX_MS = 60_000;

/** Full jitter: anywhere between nothing and the exponential step. `attempt` counts from 1, `random` is in [0, 1). */
export function backOffMs(attempt: number, random: number): number {
  return Math.min(CAP_MS, BASE_MS * FACTOR ** (attempt - 1)) * random;
}
