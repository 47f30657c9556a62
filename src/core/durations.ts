/** What is learnt of how long pictures take, from looks that saw a job unfinished and then finished. */
import * as z from 'zod';
import { creditRange } from './credits.ts';
import type { ImageRequest } from './image-request.ts';
import { USUAL_SECONDS, waitFraction } from './wait-progress.ts';

/** Log-spaced buckets from a quarter of a second to half an hour: each is 8 % longer than the one before. */
const FIRST_MS = 250;
const RATIO = 1.08;
const BUCKETS = 116;
/** Every new observation takes so much off the weight of all before: about 150 of them are remembered. */
const FORGETTING = 1 - 1 / 150;
/** Of an interval, so much is spread as if nothing were known: a belief that has become wrong is unlearnt by it. */
const UNBELIEF = 0.1;
const FIRST_LOOK_REACH = 3;
/** Part of the belief that is left to durations that were never seen: so many observations' worth. */
const UNSEEN = 1;
/** How steeply the belief in durations that were never seen falls off beyond the median. */
const UNSEEN_SHAPE = 2.5;
/** A look sees a span of time; neighbouring buckets share what it saw. */
const SMOOTHING = [0.06, 0.24, 0.4, 0.24, 0.06] as const;
/** A job that stays longer than the belief reaches creeps on by this. */
const CREEP_SECONDS = 60;
const BELIEVED_FRACTION = 0.95;

export const durationsSchema = z.object({ weights: z.array(z.number().min(0)).length(BUCKETS) });

/** The weight of each bucket; their sum is the number of observations, old ones counting less. */
export type Durations = { weights: readonly number[] };

/** How far along a job is: `fraction` in [0, 1) grows with its age, `leftMs` is what is expected to be left. */
export type Outlook = { fraction: number; leftMs: number };

export function emptyDurations(): Durations {
  return { weights: new Array<number>(BUCKETS).fill(0) };
}

/** The kind of a picture: what the service is likely to take equally long for. */
export function durationKey({ width, height, version, quality }: ImageRequest): string {
  const { min, max } = creditRange(width, height);
  return `${version ?? '-'}/${quality ?? '-'}/${min}-${max}`;
}

/**
 * The belief after one more job. Ages count from when the service took the order.
 * @param seen it was last seen unfinished at `afterMs` (0: never) and first seen finished at `byMs`
 */
export function withDuration(known: Durations, { afterMs, byMs }: { afterMs: number; byMs: number }): Durations {
  const overlaps = known.weights.map((_, index) => overlap(index, afterMs, byMs));
  // One that was finished at the first look took less than that, but hardly next to nothing.
  const blindFrom = afterMs === 0 ? byMs / FIRST_LOOK_REACH : afterMs;
  const blindly = known.weights.map((_, index) => overlap(index, blindFrom, byMs));
  const reach = blindly.reduce((sum, part) => sum + part, 0);
  // Too short, or too long, for any bucket.
  if (reach === 0) return withWeight(known, bucketOf(byMs));
  const believed = known.weights.map((weight, index) => weight * (overlaps[index] ?? 0));
  const total = believed.reduce((sum, weight) => sum + weight, 0);
  return rounded(
    known.weights.map((weight, index) => {
      const blind = (blindly[index] ?? 0) / reach;
      const share = total === 0 ? blind : (1 - UNBELIEF) * ((believed[index] ?? 0) / total) + UNBELIEF * blind;
      return weight * FORGETTING + share;
    }),
  );
}

/** How many observations the belief rests on, old ones counting less. */
export function observations({ weights }: Durations): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

/** The probability that a job is unfinished at that age, in (0, 1]. */
export function unfinishedAt(known: Durations, ageMs: number): number {
  const { survival, medianMs, unseen } = beliefOf(known);
  const seen = interpolated(survival, ageMs);
  const never = 1 / (1 + (Math.max(0, ageMs) / medianMs) ** UNSEEN_SHAPE);
  return (1 - unseen) * seen + unseen * never;
}

/** The age by which that part of the jobs is finished. */
export function quantileMs(known: Durations, part: number): number {
  let low = 0;
  let high = FIRST_MS * RATIO ** BUCKETS;
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2;
    if (unfinishedAt(known, middle) > 1 - part) low = middle;
    else high = middle;
  }
  return high;
}

/** What can be foreseen of a job of that age; without a belief, by what pictures usually take. */
export function outlook(known: Durations | undefined, ageMs: number): Outlook {
  const ageSeconds = ageMs / 1_000;
  if (known === undefined || observations(known) === 0) {
    return { fraction: waitFraction(ageSeconds), leftMs: Math.max(2, USUAL_SECONDS - ageSeconds) * 1_000 };
  }
  const creeping = (1 - BELIEVED_FRACTION) * (ageSeconds / (ageSeconds + CREEP_SECONDS));
  const fraction = BELIEVED_FRACTION * (1 - unfinishedAt(known, ageMs)) + creeping;
  return { fraction, leftMs: leftMs(known, ageMs) };
}

/** How long such a picture is expected to take as a whole. */
export function expectedMs(known: Durations | undefined): number {
  return known === undefined || observations(known) === 0 ? USUAL_SECONDS * 1_000 : leftMs(known, 0);
}

const STEPS = 60;
/** What is left is looked at no further than this many times the median: the tail would decide it. */
const HORIZON = 6;

function leftMs(known: Durations, ageMs: number): number {
  const here = unfinishedAt(known, ageMs);
  const reachMs = Math.max(HORIZON * beliefOf(known).medianMs, ageMs);
  const stepMs = reachMs / STEPS;
  let sum = 0;
  for (let step = 1; step <= STEPS; step += 1) sum += unfinishedAt(known, ageMs + (step - 0.5) * stepMs);
  return (sum / here) * stepMs;
}

type Belief = { survival: readonly number[]; medianMs: number; unseen: number };

/** Worked out once for each belief: a plan asks for it hundreds of times. */
const beliefs = new WeakMap<Durations, Belief>();

function beliefOf(known: Durations): Belief {
  const before = beliefs.get(known);
  if (before !== undefined) return before;
  const smooth = known.weights.map((_, index) =>
    SMOOTHING.reduce((sum, part, at) => sum + part * (known.weights[index + at - 2] ?? 0), 0),
  );
  const total = smooth.reduce((sum, weight) => sum + weight, 0);
  let left = total;
  const survival = smooth.map((weight) => {
    left -= weight;
    return total === 0 ? 1 : Math.max(0, left / total);
  });
  const middle = survival.findIndex((part) => part <= 0.5);
  const belief = {
    survival,
    medianMs: middle === -1 ? USUAL_SECONDS * 1_000 : endOf(middle),
    unseen: UNSEEN / (observations(known) + UNSEEN),
  };
  beliefs.set(known, belief);
  return belief;
}

/** Within a bucket durations are taken to be spread evenly on the logarithm. */
function interpolated(survival: readonly number[], ageMs: number): number {
  if (ageMs <= FIRST_MS) return 1;
  const place = Math.log(ageMs / FIRST_MS) / Math.log(RATIO);
  const index = Math.min(BUCKETS - 1, Math.floor(place));
  const before = survival[index - 1] ?? 1;
  const after = survival[index] ?? 0;
  return before + (after - before) * Math.min(1, place - index);
}

const endOf = (index: number): number => FIRST_MS * RATIO ** (index + 1);

function bucketOf(ageMs: number): number {
  const place = Math.floor(Math.log(Math.max(FIRST_MS, ageMs) / FIRST_MS) / Math.log(RATIO));
  return Math.min(BUCKETS - 1, place);
}

/** The part of the bucket, on the logarithm, that lies in the interval. The first one begins at 0. */
function overlap(index: number, afterMs: number, byMs: number): number {
  const from = Math.max(endOf(index - 1), afterMs, 1);
  const to = Math.min(endOf(index), byMs);
  return to <= from ? 0 : Math.log(to / from) / Math.log(RATIO);
}

function withWeight({ weights }: Durations, at: number): Durations {
  return rounded(weights.map((weight, index) => weight * FORGETTING + (index === at ? 1 : 0)));
}

/** What is kept on disk need not be longer than it is true. */
function rounded(weights: readonly number[]): Durations {
  return { weights: weights.map((weight) => Math.round(weight * 1e4) / 1e4) };
}
