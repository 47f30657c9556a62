/** What is learnt of how long pictures take: one small file that all processes with one service and key share. */
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Processes } from '../core/processes.ts';
import type { DurationMemory } from '../polling/duration-memory.ts';
import { emptyDurations, withDuration } from '../polling/durations.ts';
import { type Kinds, kindsForm } from '../polling/stored-durations.ts';
import { errorCode } from './error-code.ts';
import { createFileValue, createMemoryValue, type SharedValue, type ValueForm } from './shared-value.ts';

/** Kinds of pictures; the one that was learnt of longest ago is forgotten first. */
const KINDS_MAX = 50;

const form: ValueForm<Kinds> = { ...kindsForm, initial: () => ({}), durability: 'process' };

/** @param folder absolute; of this service and key alone. Made at the first change. */
export function createFileDurations(
  folder: string,
  deps: { clock: Clock; log: Log; processes: Processes },
): DurationMemory {
  return memoryIn(createFileValue(join(folder, 'gate', 'durations.json'), form, deps), deps.log);
}

/** For as long as the process lives. */
export function createMemoryDurations(log: Log): DurationMemory {
  return memoryIn(createMemoryValue<Kinds>({}), log);
}

function memoryIn(value: SharedValue<Kinds>, log: Log): DurationMemory {
  const unreported = (error: unknown): undefined => {
    log.debug('how long pictures take is not kept', { error: errorCode(error) });
    return undefined;
  };
  return {
    recall: async (key) => (await value.read().catch(unreported))?.[key],
    async note(key, seen) {
      const change = ({ [key]: known = emptyDurations(), ...others }: Kinds) => ({
        value: { ...newest(others), [key]: withDuration(known, seen) },
        result: undefined,
      });
      await value.update(change).catch(unreported);
    },
  };
}

function newest(kinds: Kinds): Kinds {
  return Object.fromEntries(Object.entries(kinds).slice(-(KINDS_MAX - 1)));
}
