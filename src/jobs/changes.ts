/** Waits for the next change of a job's record, or for a while. */
import type { Clock } from '../core/clock.ts';
import type { JobRecords } from './job-records.ts';

export type Change = { promise: Promise<void>; stop: () => void };

export class Changes {
  readonly #records: JobRecords;
  readonly #clock: Clock;

  constructor(records: JobRecords, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Listens from now on, so that a change between a look and the wait is not missed. */
  next(id: string): Change {
    let stop = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      stop = this.#records.listen(id, resolve);
    });
    return { promise, stop };
  }

  /** Rejects with `signal.reason` as soon as the signal is aborted. */
  async orAfter(change: Change, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const tick = new AbortController();
    const cancel = (): void => tick.abort(signal?.reason);
    signal?.addEventListener('abort', cancel, { once: true });
    const slept = this.#clock.sleep(delayMs, tick.signal);
    try {
      await Promise.race([change.promise, slept]);
    } finally {
      signal?.removeEventListener('abort', cancel);
      slept.catch(() => undefined);
      tick.abort();
    }
  }
}
