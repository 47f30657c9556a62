/** One job that is followed: what was seen of it, and when it is polled next. Times are monotonic milliseconds. */
import type { Clock } from '../core/ports.ts';
import { type Job, STALLED_AFTER_MS } from '../core/job.ts';

/**
 * `atOnce`: the first poll waits for nothing, the job may be long finished. `isFresh`: the service took the order just
 * now, so that its age is known.
 */
export type How = { atOnce: boolean; isFresh: boolean };

export class PolledJob {
  resolve!: (job: Job) => void;
  reject!: (error: unknown) => void;
  /** The job when it is not polled any more. */
  readonly outcome = new Promise<Job>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
  readonly until: number;
  isBeingRead = false;
  /** When the service took the order, and when it was seen unfinished last. */
  readonly acceptedAt: number;
  seenAt: number | undefined;
  /** Since when it is followed here, or its end is known by an event. */
  followedSince: number;
  /** When it is polled next, and how long the wait until then is as a whole. */
  dueAt = Number.POSITIVE_INFINITY;
  dueAfterMs = 0;
  hasEvent = false;
  /** Events are trusted to report its end before the next poll, which is a fallback. */
  isFallback = false;
  /** The service asked for silence until then, whatever an event says. */
  notBefore = Number.NEGATIVE_INFINITY;
  #hadEventMeanwhile = false;

  constructor(
    public job: Job,
    readonly remoteId: string,
    readonly how: How,
    private readonly clock: Clock,
  ) {
    const now = clock.monotonic();
    this.until = now + STALLED_AFTER_MS;
    this.acceptedAt = now - Math.max(0, clock.now() - (job.acceptedAt ?? job.createdAt));
    this.followedSince = now;
    if (how.atOnce) this.dueAt = now;
  }

  beginRead(): void {
    this.isBeingRead = true;
    this.#hadEventMeanwhile = false;
  }

  endRead(): void {
    this.isBeingRead = false;
    // An event that came while the answer was under way may be newer than the answer.
    if (this.#hadEventMeanwhile) this.noteEvent();
  }

  /** It is at its end: an answer that does not know that yet will soon. */
  noteEvent(): void {
    this.#hadEventMeanwhile = this.isBeingRead;
    this.hasEvent = true;
    this.isFallback = false;
    this.dueAt = Math.max(this.clock.monotonic(), this.notBefore);
    this.followedSince = this.dueAt;
    this.dueAfterMs = 0;
  }

  /** @param obeyedMs for how long the service asked for silence */
  dueIn(delayMs: number, obeyedMs: number): void {
    const now = this.clock.monotonic();
    this.notBefore = now + obeyedMs;
    this.dueAfterMs = Math.max(delayMs, obeyedMs);
    this.dueAt = now + this.dueAfterMs;
  }
}
