/** What a mode of the runs is, and what comes of one of its cases. */
import type { Breach } from './audit.ts';

/** One case of a mode. `name` and the seed say how it came about. */
export type CaseResult = {
  name: string;
  seed: number;
  /** With `runs: 1` this seed plays this very case; otherwise it comes again in a run with the same options. */
  isOwnSeed?: true;
  /** Different pictures that were wanted in it, where somebody counts them. */
  intents?: number;
  /** Jobs that were charged in it. */
  charges: number;
  breaches: readonly Breach[];
  trace: readonly string[];
  /** Why it was not played: this machine or user may not do what it needs. */
  skipped?: string;
};

export type PlayOptions = {
  /** Of the first case. */
  seed: number;
  /** How many cases, about. Absent: as many as the long run has. */
  runs?: number | undefined;
  /** The name of the only case that is to be played. */
  only?: string | undefined;
};

/** Plays its cases. Those of deterministic modes are the same for equal options. */
export type Mode = { name: string; play(options: PlayOptions): AsyncGenerator<CaseResult> };

/** So many of the cases, about, from the first to the last; another seed takes others of them. */
export function sample<Case>(cases: readonly Case[], seed: number, size = cases.length): Case[] {
  const stride = Math.max(1, cases.length / size);
  const first = (seed * 7) % stride;
  const count = Math.ceil((cases.length - first) / stride);
  return Array.from({ length: count }, (_, number) => cases[Math.floor(first + number * stride)] as Case);
}

/** Instead of all cases of a mode. */
export const skipped = (why: string): CaseResult => ({
  ...{ name: 'skipped', seed: 0, charges: 0, breaches: [], trace: [] },
  skipped: why,
});
