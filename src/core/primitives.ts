/** Primitives: Wakeup, Mutex, BoundedMap, madeOnce, attempt, the pause before a retry, how much a value may hold. */
import type { Clock } from './ports.ts';

export class Wakeup {
  #isWoken = false;
  #end: (() => void) | undefined;

  constructor(private readonly clock: Pick<Clock, 'sleep'>) {}

  /** Ends the wait. Without one, the next wait ends at once, so that no news is missed in between. */
  wake(): void {
    this.#isWoken = true;
    this.#end?.();
  }

  /**
   * One waiter at a time. @param delayMs `Infinity`: until it is woken @returns whether it was woken
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
    const over = new AbortController();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#end = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
        if (Number.isFinite(delayMs)) this.clock.sleep(delayMs, over.signal).then(resolve, reject);
      });
    } finally {
      this.#end = undefined;
      over.abort();
    }
  }
}

/** Work is done in turns, in the order in which it was asked for. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

export class BoundedMap<Key, Value> extends Map<Key, Value> {
  /** @param max entries, at least 1 */
  constructor(private readonly max: number) {
    super();
  }

  /** An entry that is set again counts as the newest. */
  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    const [oldest] = this.keys();
    if (this.size > this.max && oldest !== undefined) this.delete(oldest);
    return this;
  }
}

/** A server's own delay above this is returned to the caller instead of being slept. */
export const OBEYED_DELAY_MAX_MS = 60_000;

/** Full jitter: anywhere between nothing and the exponential step. `attempt` counts from 1, `random` is in [0, 1). */
export function backOffMs(attempt: number, random: number): number {
  return Math.min(20_000, 500 * 2 ** (attempt - 1)) * random;
}

/** Makes it at the first call, once; again only if that failed: what the user corrects works without a restart. */
export function madeOnce<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let making: Promise<Value> | undefined;
  return () => {
    making ??= make().catch((error: unknown) => {
      making = undefined;
      throw error;
    });
    return making;
  };
}

/** What it returns, and `undefined` when it throws: for questions that are answered by trying alone. */
export function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** The arguments of tools need three levels. */
const DEPTH_MAX = 32;
/** Fifty pictures with all their arguments have a few hundred values. */
const VALUES_MAX = 2_000;

/** What there is too much of, as words that follow "there are". Stops at the first excess, and does not recurse. */
export function excessOf(value: unknown): string | undefined {
  let level = [value];
  let count = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_MAX) return `more than ${DEPTH_MAX} levels of nesting`;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
    count += level.length;
    if (count > VALUES_MAX) return `more than ${VALUES_MAX} values`;
  }
  return undefined;
}
