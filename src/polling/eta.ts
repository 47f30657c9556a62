/** How far along jobs are and how long they will still take, for those who wait. */
import { type Durations, quantileMs } from './durations.ts';

/** `fraction` in [0, 1) grows with the age of the job, `leftMs` is what is expected to be left. */
export type Eta = { fraction: number; leftMs: number };

/** Seconds that a picture usually takes; most take between 6 and 30. */
const USUAL_SECONDS = 20;
/** Seconds after which half is shown. */
const HALF_SECONDS = 15;

/** What can be foreseen of a job of that age; without history, by what pictures usually take. */
export function eta(known: Durations, ageMs: number): Eta {
  const usualMs = expectedMs(known);
  const longer = known.filter((tookMs) => tookMs > ageMs);
  const leftMs =
    longer.length === 0
      ? Math.max(2_000, usualMs - ageMs)
      : longer.reduce((sum, tookMs) => sum + tookMs - ageMs, 0) / longer.length;
  return { fraction: waitFraction((ageMs / usualMs) * USUAL_SECONDS), leftMs };
}

/** How long such a picture is expected to take as a whole. */
export function expectedMs(known: Durations): number {
  return Math.max(1, quantileMs(known, 0.5) ?? USUAL_SECONDS * 1_000);
}

/** Fraction in [0, 1) for a job that has been under way for `elapsedSeconds`. Strictly increasing. */
export function waitFraction(elapsedSeconds: number): number {
  return elapsedSeconds / (elapsedSeconds + HALF_SECONDS);
}

/**
 * About how long an order waits for one of the plan's slots.
 * @param ahead orders that come first; @param runningSeconds for how long the oldest running job has been under way
 */
export function slotWaitSeconds(ahead: number, runningSeconds: number): number {
  return Math.max(5, Math.round(USUAL_SECONDS - runningSeconds)) + ahead * USUAL_SECONDS;
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
