/** When to ask for a job's status next: the schedule for jobs of which nothing has been learnt. */

const FIRST_MS = 1_500;
const FACTOR = 1.5;
const CAP_MS = 10_000;
const JITTER = 0.2;

/** Milliseconds to wait before poll number `poll` (counted from 1); `random` in [0, 1) spreads it by ±20 %. */
export function pollDelayMs(poll: number, random: number): number {
  const base = Math.min(CAP_MS, FIRST_MS * FACTOR ** (poll - 1));
  return base * (1 - JITTER + 2 * JITTER * random);
}
