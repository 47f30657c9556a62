/** The port for time, timers and randomness: nothing inside reads a clock or rolls dice on its own. */

export interface Clock {
  /** Wall time in epoch milliseconds. It may jump; use it for records and for comparing with remote times. */
  now(): number;
  /** Milliseconds from an arbitrary start that never goes backwards; use it for durations and deadlines. */
  monotonic(): number;
  /** A number in [0, 1), for jitter. */
  random(): number;
  /**
   * Resolves after `delayMs`; rejects with `signal.reason` as soon as `signal` is aborted.
   * A pending sleep never keeps the process alive.
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** A signal that is aborted with a `TimeoutError` after `timeoutMs`, and the way to take the timer back. */
  deadline(timeoutMs: number): { signal: AbortSignal; clear: () => void };
}
