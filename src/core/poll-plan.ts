/** When one request that reads all jobs under watch pays best: by what is known of how long such jobs take. */
import { type Durations, quantileMs, unfinishedAt } from './durations.ts';
import type { ReadAllowance } from './read-share.ts';

/** Ages count from when the service took the order; `seenMs`: when it was last read, unfinished, 0 for never. */
export type Watched = { ageMs: number; seenMs: number; durations: Durations };

/**
 * As close as that looks follow each other, and as that they would come were pictures finished evenly. Both measured, see
 * bench:polling: smaller ones cost more than half of the requests of a loop of 2 s, larger ones notice later than it.
 */
const GAP_MS = 1_520;
const EVEN_GAP_MS = 1_430;
/** Of pictures that take all alike, no further apart than this part of the span in which the middle half is finished. */
const SPAN_PART = 0.29;
/** A job that overstays is looked at so often at the least, as long as requests are left. */
const GAP_MAX_MS = 10_000;
/** Before so many of its kind are finished nobody looks. */
const EARLY_PART = 0.1;
/** Below this part of the window's requests each further one becomes dearer. */
const PLENTY = 0.5;
const JITTER = 0.05;
const CANDIDATES = 60;
/** A picture of a kind of which nothing is known waits no longer than this for a look because requests are dear. */
const DEAR_DELAY_MAX_MS = 15_000;
/** A plan that lies so far ahead is made anew anyway. */
const HORIZON_MS = 10 * 60_000;

/**
 * What one request is worth at present: 1 as long as there are plenty, and more the fewer are left. The gap between
 * two grows with its square root.
 */
function priceOf({ left, perWindow }: ReadAllowance): number {
  if (left === null || perWindow === null) return 1;
  const part = Math.max(left, 0.5) / perWindow;
  return part >= PLENTY ? 1 : (PLENTY / part) ** 2;
}

/** The delay of a look that goes by no plan, at the present price of a request. */
export function pricedDelayMs(delayMs: number, allowance: ReadAllowance): number {
  return Math.min(delayMs * Math.sqrt(priceOf(allowance)), Math.max(delayMs, DEAR_DELAY_MAX_MS));
}

/**
 * Milliseconds from now until one request for all these jobs should leave; Infinity for none.
 * @param sinceReadMs since jobs were read last; Infinity for never
 * @param random in [0, 1): processes that watch the same kind of job do not all come at once
 */
export function nextPollMs(
  jobs: readonly Watched[],
  allowance: ReadAllowance,
  sinceReadMs: number,
  random: number,
): number {
  if (jobs.length === 0) return Number.POSITIVE_INFINITY;
  const price = priceOf(allowance);
  const gapMs = GAP_MS * Math.sqrt(price);
  const earliestMs = Math.max(0, allowance.refillMs, gapMs - sinceReadMs);
  const latestMs = Math.max(earliestMs, latestOf(jobs, gapMs));
  const bestMs = Math.min(bestFrom(earliestMs, latestMs, jobs, price), latestMs);
  return bestMs * (1 - JITTER + 2 * JITTER * random);
}

/** The first moment at which one of the jobs has been left alone for long enough. */
function latestOf(jobs: readonly Watched[], gapMs: number): number {
  const bounds = jobs.map(
    ({ ageMs, seenMs, durations }) =>
      Math.max(quantileMs(durations, EARLY_PART), seenMs + Math.max(GAP_MAX_MS, gapMs)) - ageMs,
  );
  return Math.min(HORIZON_MS, Math.max(0, ...[Math.min(...bounds)]));
}

/**
 * The moment with the least cost for each job that is found finished: a request, and the time for which finished
 * pictures will have waited. Were the pictures to come evenly, the best gap would be `EVEN_GAP_MS`.
 */
function bestFrom(earliestMs: number, latestMs: number, jobs: readonly Watched[], price: number): number {
  let best = { atMs: earliestMs, cost: Number.POSITIVE_INFINITY };
  const stepMs = (latestMs - earliestMs) / CANDIDATES;
  const { hazard, spanMs } = usualOf(jobs);
  const impatience = 2 / (hazard * Math.min(EVEN_GAP_MS, SPAN_PART * spanMs) ** 2);
  let waitedMs = jobs.reduce((sum, job) => sum + waitedUntil(job, earliestMs), 0);
  for (let step = 0; step <= CANDIDATES; step += 1) {
    const atMs = earliestMs + step * stepMs;
    if (step > 0) waitedMs += stepMs * jobs.reduce((sum, job) => sum + finishedIn(job, atMs - stepMs / 2), 0);
    const found = jobs.reduce((sum, job) => sum + finishedIn(job, atMs), 0);
    const cost = (price + impatience * waitedMs) / found;
    if (found > 1e-6 && cost < best.cost) best = { atMs, cost };
  }
  return best.cost === Number.POSITIVE_INFINITY ? latestMs : best.atMs;
}

/** The probability that the job is finished in so many milliseconds, having been unfinished when it was last read. */
function finishedIn({ ageMs, seenMs, durations }: Watched, inMs: number): number {
  return 1 - unfinishedAt(durations, ageMs + inMs) / unfinishedAt(durations, seenMs);
}

const WAITED_STEPS = 12;
const SPAN_MIN_MS = 200;
/** Of those that are left in that span, so large a part is finished while as much time passes as it lasts. */
const MIDDLE_HAZARD = 0.7;

/** Milliseconds for which its picture is expected to have waited by then. */
function waitedUntil(job: Watched, inMs: number): number {
  const spanMs = job.ageMs + inMs - job.seenMs;
  const stepMs = spanMs / WAITED_STEPS;
  let sum = 0;
  for (let step = 0; step < WAITED_STEPS; step += 1)
    sum += finishedIn(job, job.seenMs - job.ageMs + (step + 0.5) * stepMs);
  return sum * stepMs;
}

/** The spans in which the middle half of such pictures is finished: their mean, and how many come in a millisecond. */
function usualOf(jobs: readonly Watched[]): { hazard: number; spanMs: number } {
  const spans = jobs.map(({ durations }) =>
    Math.max(SPAN_MIN_MS, quantileMs(durations, 0.75) - quantileMs(durations, 0.25)),
  );
  return {
    hazard: spans.reduce((sum, spanMs) => sum + MIDDLE_HAZARD / spanMs, 0),
    spanMs: spans.reduce((sum, spanMs) => sum + spanMs, 0) / jobs.length,
  };
}
