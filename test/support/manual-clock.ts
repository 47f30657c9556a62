/** A clock that stands still until a test moves it; sleeps and deadlines fire in the order in which they fall due. */
import type { Clock } from '../../src/core/ports.ts';

export type ManualClock = Clock & {
  /** Moves time on, firing what falls due in order; promises that hang on it run before the next one fires. */
  advance(delayMs: number): Promise<void>;
  /** Every delay that was asked for by `sleep`, in milliseconds, in order. */
  readonly slept: number[];
  /** Sleeps and deadlines that have not fired yet and were not taken back. */
  pending(): number;
  /** Milliseconds until the next of them is due; `undefined` without one. */
  nextIn(): number | undefined;
};

export type ManualClockOptions = {
  /** Every sleep ends at once and moves time on by its delay. Deadlines that fall due on the way fire first. */
  autoAdvance?: boolean;
  /** The dice; always 0.5 unless given. */
  random?: () => number;
};

type Timer = { due: number; fire: () => void };

/** Sunday 2026-11-01, 00:00:00 UTC. */
export const MANUAL_CLOCK_START = 1_793_491_200_000;

export function createManualClock(start = MANUAL_CLOCK_START, options: ManualClockOptions = {}): ManualClock {
  // Timers of one due time fire in the order in which they were set: a Set keeps it.
  const timers = new Set<Timer>();
  const slept: number[] = [];
  let time = start;

  function nextDue(limit: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (timer.due <= limit && (first === undefined || timer.due < first.due)) first = timer;
    }
    return first;
  }

  async function runTo(target: number): Promise<void> {
    await settle();
    for (let timer = nextDue(target); timer !== undefined; timer = nextDue(target)) {
      time = Math.max(time, timer.due);
      timers.delete(timer);
      timer.fire();
      await settle();
    }
    time = Math.max(time, target);
  }

  function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    slept.push(delayMs);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        timers.delete(timer);
        reject(signal?.reason);
      };
      const timer: Timer = {
        due: time + Math.max(0, delayMs),
        fire: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      timers.add(timer);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (options.autoAdvance === true) void runTo(timer.due);
    });
  }

  function deadline(timeoutMs: number): { signal: AbortSignal; clear: () => void } {
    const controller = new AbortController();
    const timer: Timer = {
      due: time + timeoutMs,
      fire: () => controller.abort(new DOMException('The deadline has passed.', 'TimeoutError')),
    };
    timers.add(timer);
    return { signal: controller.signal, clear: () => void timers.delete(timer) };
  }

  return {
    now: () => time,
    monotonic: () => time - start,
    random: options.random ?? (() => 0.5),
    sleep,
    deadline,
    advance: (delayMs) => runTo(time + delayMs),
    slept,
    pending: () => timers.size,
    nextIn: () => {
      const next = nextDue(Number.POSITIVE_INFINITY);
      return next && Math.max(0, next.due - time);
    },
  };
}

/** Lets everything run that only waits for promises; a few turns, because one promise often hangs on another. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
