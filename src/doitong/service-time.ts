/** The service's own time, by the `Date` of its answers: this machine's clock may be set while an order is open. */
import type { Clock } from '../core/ports.ts';
import { date } from './rate-headers.ts';

/** More than two clocks of one machine drift apart in a day. */
const SAME_MS = 60_000;
/** Outside of this it is a clock that was never set, or nonsense. */
const [EARLIEST, LATEST] = [Date.UTC(2025, 0), Date.UTC(2100, 0)];

export class ServiceTime {
  #last: { there: number; here: number; monotonic: number } | undefined;

  constructor(private readonly clock: Pick<Clock, 'now' | 'monotonic'>) {}

  learn(header: string | undefined): void {
    const there = date(header);
    if (there === undefined || there < EARLIEST || there > LATEST) return;
    this.#last = { there, here: this.clock.now(), monotonic: this.clock.monotonic() };
  }

  /** Epoch milliseconds; `undefined`: no answer has told, or nobody knows how long ago it told. */
  now(): number | undefined {
    if (this.#last === undefined) return undefined;
    const { there, here, monotonic } = this.#last;
    const passedMs = this.clock.monotonic() - monotonic;
    // While a machine sleeps, its monotonic clock stands still; a clock that is set forward looks the same.
    return this.clock.now() - here > passedMs + SAME_MS ? undefined : there + passedMs;
  }
}
