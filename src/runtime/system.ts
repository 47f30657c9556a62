/** The system behind the ports: clock, timers and randomness (`Clock`), unique names (`Ids`, `SELF`). */
import { idAt } from '../core/job.ts';
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock, Ids, Owner } from '../core/ports.ts';

/** `setTimeout` takes at most a 32-bit number of milliseconds and turns more into one. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  async sleep(delayMs, signal) {
    const options = { ref: false, ...(signal && { signal }) };
    try {
      await sleepFor(Math.min(Math.max(0, delayMs), TIMER_MAX_MS), undefined, options);
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
  deadline(timeoutMs) {
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError')),
      Math.min(timeoutMs, TIMER_MAX_MS),
    );
    timer.unref();
    return { signal: controller.signal, clear: () => clearTimeout(timer) };
  },
};

/** While a command runs that may only wait: a pending sleep does not keep the process alive. @returns what lets it end again */
export function stayAlive(): () => void {
  const timer = setInterval(() => undefined, TIMER_MAX_MS);
  return () => clearInterval(timer);
}

export const randomIds: Ids = {
  // 55 random bits and the time: readable in a file name, and never met twice.
  jobId: (at) => idAt(at, Array.from({ length: 11 }, () => randomInt(36).toString(36)).join('')),
  idempotencyKey: () => randomUUID(),
};

export const SELF: Owner = { pid: process.pid, host: hostname(), session: randomBytes(8).toString('hex') };

export const randomKey = (): Uint8Array => randomBytes(32);
