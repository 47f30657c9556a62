/** The system behind the ports: clock, timers and randomness (`Clock`). */
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../core/ports.ts';

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
