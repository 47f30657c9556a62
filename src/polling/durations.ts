/** How long pictures take: the last durations of each kind, shared by all processes with one service and key. */
import * as z from 'zod';
import type { Clock } from '../core/ports.ts';
import { creditRange, type ImageRequest } from '../core/image-request.ts';
import { SharedState, type SharedValues } from '../core/shared-value.ts';

/** Milliseconds from the service's acceptance to the end, oldest first. */
export type Durations = readonly number[];
/** A job was last seen unfinished at age `afterMs` (0: never), and first seen finished at age `byMs`. */
export type SeenDuration = { afterMs: number; byMs: number };

/** What a picture usually takes; most take between 6 and 30 s. */
export const USUAL_MS = 20_000;

/** Older ones are forgotten, so that a change of the service is followed. */
const KEPT = 100;
/** A longer one says nothing of the next: the program was asleep, or the job stalled. */
const LONGEST_MS = 30 * 60_000;

const kindsSchema = z.record(z.string(), z.array(z.number().nonnegative()).readonly());
type Kinds = z.infer<typeof kindsSchema>;

export type DurationMemory = ReturnType<typeof createDurationMemory>;

/** Never rejects: what cannot be kept is learnt again. */
export function createDurationMemory(values: SharedValues, clock: Clock) {
  const kinds = new SharedState(values, { name: 'durations', schema: kindsSchema, initial: (): Kinds => ({}) }, clock);
  return {
    async recall(request: ImageRequest): Promise<Durations> {
      const known = await kinds.read().catch((): Kinds => ({}));
      return known[kindOf(request)] ?? [];
    },
    async note(request: ImageRequest, seen: SeenDuration): Promise<void> {
      const kind = kindOf(request);
      const rule = (known: Kinds): Kinds => ({ ...known, [kind]: withDuration(known[kind] ?? [], seen) });
      await kinds.update(rule).catch(() => undefined);
    },
  };
}

/** What the service is likely to take equally long for. */
function kindOf({ width, height, version, quality }: ImageRequest): string {
  const { min, max } = creditRange(width, height);
  return `${version ?? '-'}/${quality ?? '-'}/${min}-${max}`;
}

export function withDuration(known: Durations, { afterMs, byMs }: SeenDuration): Durations {
  // A first poll that came late says little of when the job ended: taken at its word, the next would come later still.
  const usualMs = quantileMs(known, 0.5) ?? LONGEST_MS;
  const tookMs = afterMs === 0 ? Math.min(usualMs, 0.8 * byMs) : (afterMs + byMs) / 2;
  return [...known, Math.round(Math.min(LONGEST_MS, tookMs))].slice(-KEPT);
}

/** The age by which that part of the jobs was finished; `undefined` when none is known. */
export function quantileMs(known: Durations, part: number): number | undefined {
  const sorted = known.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

export const expectedMs = (known: Durations): number => Math.max(1, quantileMs(known, 0.5) ?? USUAL_MS);
