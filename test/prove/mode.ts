/** What a mode of the deterministic runs is, and what comes of one of its cases. */
import type { Breach } from './audit.ts';

/** One case of a mode. `name` and the seed say how it came about. */
export type CaseResult = {
  name: string;
  seed: number;
  /** Jobs that were charged in it. */
  charges: number;
  breaches: readonly Breach[];
  trace: readonly string[];
};

export type PlayOptions = {
  /** Of the first case. */
  seed: number;
  /** How many cases, about. Absent: as many as the long run has. */
  runs?: number | undefined;
};

/** Plays its cases one after the other; equal options give equal cases. */
export type Mode = { name: string; play(options: PlayOptions): AsyncGenerator<CaseResult> };
