/** Lets a loop sleep until somebody wakes it, a time has passed, or a signal is aborted. */
import type { Clock } from './clock.ts';

export class Wakeup {
  readonly #clock: Pick<Clock, 'sleep'>;
  #isWoken = false;
  #end: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  /** Ends the wait. Without one, the next wait ends at once, so that no news is missed in between. */
  wake(): void {
    this.#isWoken = true;
    this.#end?.();
  }

  /**
   * One waiter at a time.
   * @param delayMs `Infinity`: until it is woken
   * @returns whether it was woken
   * @throws `signal.reason` when the signal is aborted
   */
  async wait(delayMs: number, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    if (!this.#isWoken) await this.#sleep(delayMs, signal);
    const woken = this.#isWoken;
    this.#isWoken = false;
    return woken;
  }

  async #sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const timer = new AbortController();
    const woken = new Promise<void>((resolve, reject) => {
      this.#end = resolve;
      timer.signal.addEventListener('abort', () => reject(timer.signal.reason), { once: true });
    });
    const onAbort = (): void => timer.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    woken.catch(() => undefined);
    const slept = Number.isFinite(delayMs) ? this.#clock.sleep(delayMs, timer.signal) : woken;
    slept.catch(() => undefined);
    try {
      await Promise.race([woken, slept]);
    } finally {
      this.#end = undefined;
      signal?.removeEventListener('abort', onAbort);
      timer.abort();
    }
  }
}
