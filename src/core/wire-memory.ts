/** What was found out about a service, kept for the next process. */
import * as z from 'zod';
import type { Clock, Log } from './ports.ts';
import { SharedState, type SharedValues } from './shared-value.ts';

const BELIEVED_FOR_MS = 24 * 60 * 60_000;

/** Plain JSON, in the words of whoever found it out; read back with care. */
export type WireFacts = Record<string, unknown>;

export type WireMemory = ReturnType<typeof createWireMemory>;

const keptSchema = z.object({ at: z.number(), facts: z.record(z.string(), z.unknown()) });
type Kept = z.infer<typeof keptSchema>;

/**
 * @param values of a service, whatever the key
 * @param name of the value
 */
export function createWireMemory(values: SharedValues, name: string, { clock, log }: { clock: Clock; log: Log }) {
  const nothing: Kept = { at: Number.NEGATIVE_INFINITY, facts: {} };
  const kept = new SharedState<Kept>(values, { name, schema: keptSchema, initial: () => nothing }, clock);

  /** Everything here saves requests and no more: what fails changes nothing else. */
  const onFailure = (error: unknown): undefined =>
    void log.debug('what is known of the service is not kept', { error: String(error) });
  return {
    /** What was found out less than a day ago; `undefined` when there is nothing. Never rejects. */
    recall: (): Promise<WireFacts | undefined> =>
      kept
        .read()
        // By a clock that was set back it comes from the future, and is no older for it.
        .then(({ at, facts }) => (Math.abs(clock.now() - at) <= BELIEVED_FOR_MS ? facts : undefined))
        .catch(onFailure),
    /** Replaces what was known. Never rejects: what cannot be kept is found out again. */
    remember: (facts: WireFacts): Promise<void> => kept.update(() => ({ at: clock.now(), facts })).catch(onFailure),
  };
}
