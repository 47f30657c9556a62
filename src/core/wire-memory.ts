/** What was found out about a service, kept for the next process. */
import * as z from 'zod';
import type { Clock } from './ports.ts';
import { SharedState, type SharedValues } from './shared-value.ts';

const BELIEVED_FOR_MS = 24 * 60 * 60_000;

/** Plain JSON, in the words of whoever found it out; read back with care. */
export type WireFacts = Record<string, unknown>;

export type WireMemory = ReturnType<typeof createWireMemory>;

const keptSchema = z.object({ at: z.number(), facts: z.record(z.string(), z.unknown()) });

/** @param values of a service, whatever the key */
export function createWireMemory(values: SharedValues, name: string, clock: Clock) {
  const nothing = { at: Number.NEGATIVE_INFINITY, facts: {} };
  const kept = new SharedState(values, { name, schema: keptSchema, initial: () => nothing }, clock);
  const keys = new SharedState(values, { name: `${name}-keys`, schema: z.boolean(), initial: () => false }, clock);
  return {
    /** What was found out less than a day ago; `undefined` when there is nothing. Never rejects. */
    async recall(): Promise<WireFacts | undefined> {
      const { at, facts } = await kept.read().catch(() => nothing);
      // By a clock that was set back it comes from the future, and is no older for it.
      return Math.abs(clock.now() - at) <= BELIEVED_FOR_MS ? facts : undefined;
    },
    /** Whether it makes another job of a repeated idempotency key, as it has shown once: known for good. Never rejects. */
    keys: {
      areIgnored: (): Promise<boolean> => keys.read().catch(() => false),
      noteIgnored: (): Promise<void> => keys.update(() => true).catch(() => undefined),
    },
    /** Replaces what was known. Never rejects: what cannot be kept is found out again. */
    remember: (facts: WireFacts): Promise<void> =>
      kept.update(() => ({ at: clock.now(), facts })).catch(() => undefined),
  };
}
