/** How far along a wait is, as a fraction that always grows and never claims the end. */

/** Seconds after which 63 % are shown; pictures usually take between 6 and 30 s. */
const TIME_CONSTANT_SECONDS = 15;

/** Seconds that a picture usually takes, for estimates. */
export const USUAL_SECONDS = 20;

/**
 * About how long an order waits for one of the plan's slots.
 * @param ahead orders that come first; @param runningSeconds for how long the oldest running job has been under way
 */
export function slotWaitSeconds(ahead: number, runningSeconds: number): number {
  return Math.max(5, Math.round(USUAL_SECONDS - runningSeconds)) + ahead * USUAL_SECONDS;
}

/** Fraction in [0, 1) for a job that has been under way for `elapsedSeconds`. Strictly increasing. */
export function waitFraction(elapsedSeconds: number): number {
  return elapsedSeconds / (elapsedSeconds + TIME_CONSTANT_SECONDS);
}

/**
 * Milliseconds until all jobs of a batch have ended, when each free slot is taken by the next that waits.
 * @param runningMs what is left of each that runs; @param waitingMs how long each that waits will take
 * @param slots jobs at a time that the plan allows; null: no limit
 */
export function batchLeftMs(runningMs: readonly number[], waitingMs: readonly number[], slots: number | null): number {
  const count = Math.max(1, slots ?? Number.POSITIVE_INFINITY);
  const ends = [...runningMs];
  for (const takesMs of waitingMs) {
    ends.sort((one, other) => one - other);
    // The slot that is free first; all that run in excess of the plan's slots end before one is free.
    const freeAt = ends.length < count ? 0 : (ends[ends.length - count] ?? 0);
    ends.push(freeAt + takesMs);
  }
  return Math.max(0, ...ends);
}
