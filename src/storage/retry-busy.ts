/** Tries a file operation again while somebody else holds the file for a moment: a scanner, an indexer, a sync. */
import type { Clock } from '../core/clock.ts';

const TRIES = 8;
const PAUSE_MS = 15;

/** @param mayPass whether the error may be gone a moment later */
export async function retryBusy<Value>(
  work: () => Value | Promise<Value>,
  mayPass: (error: unknown) => boolean,
  clock: Pick<Clock, 'sleep'>,
): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || attempt === TRIES) throw error;
      await clock.sleep(PAUSE_MS * attempt);
    }
  }
}
