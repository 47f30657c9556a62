/** The port to what is learnt of how long pictures take, shared by all processes with one service and key. */
import type { Durations } from './durations.ts';

/** A job was last seen unfinished at age `afterMs`, and first seen finished at age `byMs`, since it was accepted. */
export type SeenDuration = { afterMs: number; byMs: number };

/** `key` names the kind of picture, see `durationKey`. Nothing here ever rejects: what is not known is learnt again. */
export interface DurationMemory {
  recall(key: string): Promise<Durations | undefined>;
  note(key: string, seen: SeenDuration): Promise<void>;
}
