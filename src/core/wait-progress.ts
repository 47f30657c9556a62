/** How far along a wait is, as a fraction that always grows and never claims the end. */

/** Seconds after which 63 % are shown; pictures usually take between 6 and 30 s. */
const TIME_CONSTANT_SECONDS = 15;

/** Seconds that a picture usually takes, for estimates. */
const USUAL_SECONDS = 20;

/**
 * About how long an order waits for a place among the plan's jobs at a time.
 * @param ahead orders that come first; @param runningSeconds for how long the oldest running job has been under way
 */
export function placeWaitSeconds(ahead: number, runningSeconds: number): number {
  return Math.max(5, Math.round(USUAL_SECONDS - runningSeconds)) + ahead * USUAL_SECONDS;
}

/** Fraction in [0, 1) for a job that has been under way for `elapsedSeconds`. Strictly increasing. */
export function waitFraction(elapsedSeconds: number): number {
  return elapsedSeconds / (elapsedSeconds + TIME_CONSTANT_SECONDS);
}
