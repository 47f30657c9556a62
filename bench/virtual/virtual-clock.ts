/** Time that moves on only when nothing else is left to do: minutes of waiting take no time at all. */
import type { Clock } from '../../src/core/ports.ts';

export type VirtualClock = Clock & {
  /** Moves time on, from one timer to the next, until the promise has settled. */
  until<Value>(work: Promise<Value>): Promise<Value>;
};

type Timer = { due: number; number: number; fire: () => void };

/** An hour past midnight UTC: few runs cross into the next day of the budget. */
const START = Date.UTC(2026, 0, 15, 1);

/** @param random in [0, 1) */
export function createVirtualClock(random: () => number): VirtualClock {
  const timers = new TimerHeap();
  let time = 0;
  let count = 0;

  function setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { due: time + Math.max(0, delayMs), number: ++count, fire };
    timers.push(timer);
    return timer;
  }

  return {
    now: () => START + Math.round(time),
    monotonic: () => time,
    random,
    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const onAbort = (): void => {
          timer.fire = () => undefined;
          reject(signal?.reason);
        };
        const timer = setTimer(delayMs, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
    deadline(timeoutMs) {
      const controller = new AbortController();
      const timer = setTimer(timeoutMs, () => controller.abort(new DOMException('too late', 'TimeoutError')));
      return {
        signal: controller.signal,
        clear: () => {
          timer.fire = () => undefined;
        },
      };
    },
    async until(work) {
      let isSettled = false;
      const over = (): void => {
        isSettled = true;
      };
      work.then(over, over);
      for (;;) {
        // Everything that hangs on promises alone runs before the next timer.
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (isSettled) return work;
        const next = timers.pop();
        if (next === undefined) throw new Error('nothing is left that could happen');
        time = Math.max(time, next.due);
        next.fire();
      }
    },
  };
}

/** The timer that falls due first, in the order in which they were set. */
class TimerHeap {
  readonly #timers: Timer[] = [];

  push(timer: Timer): void {
    this.#timers.push(timer);
    let at = this.#timers.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): Timer | undefined {
    const first = this.#timers[0];
    const last = this.#timers.pop();
    if (first === undefined || last === undefined || this.#timers.length === 0) return first;
    this.#timers[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < this.#timers.length && this.#isBefore(left, least)) least = left;
      if (right < this.#timers.length && this.#isBefore(right, least)) least = right;
      if (least === at) return first;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#timers[one], this.#timers[other]];
    if (a === undefined || b === undefined) return false;
    return a.due < b.due || (a.due === b.due && a.number < b.number);
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#timers[one], this.#timers[other]];
    if (a === undefined || b === undefined) return;
    this.#timers[one] = b;
    this.#timers[other] = a;
  }
}
