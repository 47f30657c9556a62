/** A clock that runs ahead of real time, for journeys in which real HTTP has to go on while minutes pass. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';

/** Virtual milliseconds for a real one. Deadlines (5 s at the least) stay far above a local round trip. */
const SPEED = 20;

export function createFastClock(start = Date.now()): Clock {
  const begun = performance.now();
  const elapsed = (): number => (performance.now() - begun) * SPEED;
  return {
    now: () => Math.round(start + elapsed()),
    monotonic: elapsed,
    random: () => Math.random(),
    async sleep(delayMs, signal) {
      try {
        await sleepFor(delayMs / SPEED, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        throw signal?.aborted ? signal.reason : error;
      }
    },
    deadline(timeoutMs) {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(new DOMException('too late', 'TimeoutError')), timeoutMs / SPEED);
      return { signal: controller.signal, clear: () => clearTimeout(timer) };
    },
  };
}
