/** What was found out about a service: a file of its origin alone, which all keys and processes share for a day. */
import { dirname } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { WireFacts, WireMemory } from '../core/wire-memory.ts';
import { writeAtomic } from './atomic-file.ts';
import { errorCode } from './error-code.ts';
import { makeFolder } from './make-folder.ts';
import { readText } from './read-text.ts';

/** Raised whenever a file of before could be misread. */
const SCHEMA = 1;
const BELIEVED_FOR_MS = 24 * 60 * 60_000;

type Kept = { at: number; facts: WireFacts };

/** @param file absolute; its folder is made when there is something to remember */
export function createFileWireMemory(file: string, { clock, log }: { clock: Clock; log: Log }): WireMemory {
  /** Everything here saves requests and no more: what fails is told, and changes nothing else. */
  async function attempt<Value>(what: string, work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      log.debug('what is known of the service is not kept', { what, error: errorCode(error) });
      return undefined;
    }
  }

  return {
    recall: () =>
      attempt('read', async () => {
        const text = readText(file);
        return text === undefined ? undefined : believed(readKept(text), clock.now());
      }),
    remember: (facts) =>
      attempt('write', async () => {
        await makeFolder(dirname(file));
        await writeAtomic(file, `${JSON.stringify({ schema: SCHEMA, at: clock.now(), facts })}\n`, clock, {
          durability: 'process',
        });
      }),
  };
}

/** For as long as the process lives. */
export function createMemoryWireMemory(clock: Pick<Clock, 'now'>): WireMemory {
  let kept: Kept | undefined;
  return {
    recall: async () => believed(kept, clock.now()),
    async remember(facts) {
      kept = { at: clock.now(), facts };
    },
  };
}

/** A clock that was set back makes a file look as if it came from the future; that is no older for it. */
function believed(kept: Kept | undefined, now: number): WireFacts | undefined {
  return kept !== undefined && Math.abs(now - kept.at) <= BELIEVED_FOR_MS ? kept.facts : undefined;
}

/** `undefined` for a damaged file, and for one of a newer version. */
function readKept(text: string): Kept | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value.schema !== SCHEMA) return undefined;
  const { at, facts } = value;
  return typeof at === 'number' && isRecord(facts) ? { at, facts } : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
