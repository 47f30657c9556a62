/** What is learnt of how long pictures take, shared by all processes with one service and key. */
import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { SharedState, type SharedValues } from '../core/shared-value.ts';
import { type Durations, durationsSchema, emptyDurations, withDuration } from './durations.ts';

/** A job was last seen unfinished at age `afterMs`, and first seen finished at age `byMs`, since it was accepted. */
export type SeenDuration = { afterMs: number; byMs: number };

/** `key` names the kind of picture, see `durationKey`. Nothing here ever rejects: what is not known is learnt again. */
export interface DurationMemory {
  recall(key: string): Promise<Durations | undefined>;
  note(key: string, seen: SeenDuration): Promise<void>;
}

/** Kinds of pictures; the one that was learnt of longest ago is forgotten first. */
const KINDS_MAX = 50;

/** By the kind of picture; the one that was changed last stands last. */
const kindsSchema = z.record(z.string(), durationsSchema);
type Kinds = Readonly<Record<string, Durations>>;

export function createDurationMemory(values: SharedValues, { clock, log }: { clock: Clock; log: Log }): DurationMemory {
  const parse = (stored: unknown): Kinds | undefined => kindsSchema.safeParse(stored).data;
  const kinds = new SharedState<Kinds>(values, { name: 'durations', parse, initial: () => ({}) }, clock);

  const unreported = (error: unknown): undefined => {
    log.debug('how long pictures take is not kept', { error: String(error) });
    return undefined;
  };
  return {
    recall: async (key) => (await kinds.read().catch(unreported))?.[key],
    async note(key, seen) {
      const rule = ({ [key]: known = emptyDurations(), ...others }: Kinds) => {
        const kept = Object.entries(others).slice(-(KINDS_MAX - 1));
        return { ...Object.fromEntries(kept), [key]: withDuration(known, seen) };
      };
      await kinds.update(rule).catch(unreported);
    },
  };
}
