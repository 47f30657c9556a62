/** The system behind the ports: clock and timers (`Clock`), unique names (`Ids`, `Owner`) and keys. */
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

/** The global is loaded when it is first used; to import `node:crypto` would take a twentieth of the start. */
const randomBytes = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count));

/** The id of a new job, which sorts by time. @param random 11 letters or digits */
export function idAt(epochMs: number, random: string): string {
  return `job_${Math.max(0, Math.floor(epochMs)).toString(36).padStart(9, '0')}${random}`;
}

export const randomIds: Ids = {
  jobIds(at) {
    // The time, 45 random bits, and two digits that count down: readable in a file name, and never met twice.
    const ofCall = Array.from(randomBytes(9), (byte) => (byte % 32).toString(32)).join('');
    let last = 36 ** 2;
    return () => idAt(at, `${ofCall}${(--last).toString(36)}`);
  },
  idempotencyKey: () => crypto.randomUUID(),
};

let self: Owner | undefined;
export function thisProcess(): Owner {
  self ??= {
    pid: process.pid,
    host: process.getBuiltinModule('node:os').hostname(),
    session: Buffer.from(randomBytes(8)).toString('hex'),
  };
  return self;
}

export const randomKey = (): Uint8Array => randomBytes(32);
