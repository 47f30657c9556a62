/** How long pictures take: the last durations of each kind, shared by all processes with one service and key. */
import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import { creditRange } from '../core/credits.ts';
import type { ImageRequest } from '../core/image-request.ts';
import type { Log } from '../core/log.ts';
import { SharedState, type SharedValues } from '../core/shared-value.ts';

/** Milliseconds from the service's acceptance to the end, oldest first. */
export type Durations = readonly number[];
/** A job was last seen unfinished at age `afterMs` (0: never), and first seen finished at age `byMs`. */
export type SeenDuration = { afterMs: number; byMs: number };

/** What a picture usually takes; most take between 6 and 30 s. */
export const USUAL_MS = 20_000;

/** Older ones are forgotten, so that a change of the service is followed. */
const KEPT = 100;
/** Of these the one that was learnt of longest ago is forgotten first. */
const KINDS_MAX = 50;
/** A longer one says nothing of the next: the program was asleep, or the job stalled. */
const LONGEST_MS = 30 * 60_000;
/** A job that was finished at its first poll is taken to have lasted this part of its age, but no longer than most. */
const PART_AT_FIRST_POLL = 0.8;

/** By the kind of picture; the one that was changed last stands last. */
const kindsSchema = z.record(z.string(), z.array(z.number().min(0).max(LONGEST_MS)).max(KEPT));
type Kinds = Readonly<Record<string, Durations>>;

/** Nothing here ever rejects: what cannot be kept is learnt again. */
export class DurationMemory {
  readonly #kinds: SharedState<Kinds>;
  readonly #log: Log;

  constructor(values: SharedValues, { clock, log }: { clock: Clock; log: Log }) {
    const parse = (stored: unknown): Kinds | undefined => kindsSchema.safeParse(stored).data;
    this.#kinds = new SharedState<Kinds>(values, { name: 'durations', parse, initial: () => ({}) }, clock);
    this.#log = log;
  }

  async recall(request: ImageRequest): Promise<Durations> {
    return (await this.#kinds.read().catch(this.#unkept))?.[kindOf(request)] ?? [];
  }

  async note(request: ImageRequest, seen: SeenDuration): Promise<void> {
    const kind = kindOf(request);
    const rule = ({ [kind]: known = [], ...others }: Kinds): Kinds => {
      const kept = Object.entries(others).slice(-(KINDS_MAX - 1));
      return { ...Object.fromEntries(kept), [kind]: withDuration(known, seen) };
    };
    await this.#kinds.update(rule).catch(this.#unkept);
  }

  readonly #unkept = (error: unknown): undefined => {
    this.#log.debug('how long pictures take is not kept', { error: String(error) });
    return undefined;
  };
}

/** What the service is likely to take equally long for. */
function kindOf({ width, height, version, quality }: ImageRequest): string {
  const { min, max } = creditRange(width, height);
  return `${version ?? '-'}/${quality ?? '-'}/${min}-${max}`;
}

export function withDuration(known: Durations, { afterMs, byMs }: SeenDuration): Durations {
  // A first poll that came late says little of when the job ended: taken at its word, the next would come later still.
  const usualMs = quantileMs(known, 0.5) ?? Number.POSITIVE_INFINITY;
  const tookMs = afterMs === 0 ? Math.min(usualMs, byMs * PART_AT_FIRST_POLL) : (afterMs + byMs) / 2;
  return [...known, Math.round(Math.min(LONGEST_MS, Math.max(0, tookMs)))].slice(-KEPT);
}

/** The age by which that part of the jobs was finished; `undefined` when none is known. */
export function quantileMs(known: Durations, part: number): number | undefined {
  const sorted = known.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

/** How long such a picture is expected to take. */
export function expectedMs(known: Durations): number {
  return Math.max(1, quantileMs(known, 0.5) ?? USUAL_MS);
}
