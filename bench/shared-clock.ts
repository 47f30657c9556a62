/** A clock that runs ahead of real time and shows the same time of day in every process that is given its base. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../src/core/ports.ts';

/** Epoch milliseconds: when the clock was started, and what it showed then. `speed`: its milliseconds for a real one. */
export type ClockBase = { startedAt: number; showed: number; speed: number };

/** An hour past midnight UTC: no run crosses into the next day of the budget. */
const SHOWN_AT_START = Date.UTC(2026, 0, 15, 1);

export function newClockBase(speed: number): ClockBase {
  return { startedAt: Date.now(), showed: SHOWN_AT_START, speed };
}

export function createSharedClock({ startedAt, showed, speed }: ClockBase): Clock {
  return {
    now: () => showed + (Date.now() - startedAt) * speed,
    monotonic: () => performance.now() * speed,
    random: () => Math.random(),
    async sleep(delayMs, signal) {
      try {
        await sleepFor(delayMs / speed, undefined, { ref: false, ...(signal === undefined ? {} : { signal }) });
      } catch (error) {
        throw signal?.aborted ? signal.reason : error;
      }
    },
    deadline(timeoutMs) {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(new DOMException('too late', 'TimeoutError')), timeoutMs / speed);
      timer.unref();
      return { signal: controller.signal, clear: () => clearTimeout(timer) };
    },
  };
}
