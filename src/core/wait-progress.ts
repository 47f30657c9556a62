/** How far along a wait is, as a fraction that always grows and never claims the end. */

/** Seconds after which 63 % are shown; pictures usually take between 6 and 30 s. */
const TIME_CONSTANT_SECONDS = 15;

/** Fraction in [0, 1) for a job that has been under way for `elapsedSeconds`. Strictly increasing. */
export function waitFraction(elapsedSeconds: number): number {
  return elapsedSeconds / (elapsedSeconds + TIME_CONSTANT_SECONDS);
}
