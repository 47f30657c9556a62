/** What is known of how long pictures take: the last durations of each kind, from polls that saw a job end. */
import * as z from 'zod';
import { creditRange } from '../core/credits.ts';
import type { ImageRequest } from '../core/image-request.ts';
import { USUAL_SECONDS, waitFraction } from './wait-progress.ts';

/** Durations of each kind; older ones are forgotten, so that a change of the service is followed. */
const KEPT = 100;
/** A longer one says nothing of the next: the program was asleep, or the job stalled. */
const LONGEST_MS = 30 * 60_000;
/** A job that was finished at its first poll is taken to have lasted this part of its age, but no longer than most. */
const PART_AT_FIRST_POLL = 0.8;

export const durationsSchema = z.object({ tookMs: z.array(z.number().min(0).max(LONGEST_MS)).max(KEPT) });

/** Milliseconds from the service's acceptance to the end, oldest first. */
export type Durations = { tookMs: readonly number[] };

/** How far along a job is: `fraction` in [0, 1) grows with its age, `leftMs` is what is expected to be left. */
export type Eta = { fraction: number; leftMs: number };

export const emptyDurations = (): Durations => ({ tookMs: [] });

/** The kind of a picture: what the service is likely to take equally long for. */
export function durationKey({ width, height, version, quality }: ImageRequest): string {
  const { min, max } = creditRange(width, height);
  return `${version ?? '-'}/${quality ?? '-'}/${min}-${max}`;
}

/**
 * The durations after one more job. Ages count from when the service took the order.
 * @param seen it was last seen unfinished at `afterMs` (0: never) and first seen finished at `byMs`
 */
export function withDuration(known: Durations, { afterMs, byMs }: { afterMs: number; byMs: number }): Durations {
  // A first poll that came late says little of when the job ended: taken at its word, the next one would come later still.
  const usualMs = quantileMs(known, 0.5) ?? Number.POSITIVE_INFINITY;
  const tookMs = afterMs === 0 ? Math.min(usualMs, byMs * PART_AT_FIRST_POLL) : (afterMs + byMs) / 2;
  return { tookMs: [...known.tookMs, Math.round(Math.min(LONGEST_MS, Math.max(0, tookMs)))].slice(-KEPT) };
}

/** The age by which that part of the jobs was finished; `undefined` when none is known. */
export function quantileMs({ tookMs }: Durations, part: number): number | undefined {
  const sorted = tookMs.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

/** What can be foreseen of a job of that age; without history, by what pictures usually take. */
export function eta(known: Durations | undefined, ageMs: number): Eta {
  const usualMs = expectedMs(known);
  const longer = known?.tookMs.filter((tookMs) => tookMs > ageMs) ?? [];
  const leftMs =
    longer.length === 0
      ? Math.max(2_000, usualMs - ageMs)
      : longer.reduce((sum, tookMs) => sum + tookMs - ageMs, 0) / longer.length;
  return { fraction: waitFraction((ageMs / usualMs) * USUAL_SECONDS), leftMs };
}

/** How long such a picture is expected to take as a whole. */
export function expectedMs(known: Durations | undefined): number {
  return Math.max(1, quantileMs(known ?? emptyDurations(), 0.5) ?? USUAL_SECONDS * 1_000);
}
