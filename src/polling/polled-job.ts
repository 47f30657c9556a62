/** One job that is followed: what was seen of it, and when it is polled next. Times are monotonic milliseconds. */
import type { Clock } from '../core/clock.ts';
import type { Job } from '../core/job.ts';

/**
 * `atOnce`: the first poll waits for nothing, the job may be long finished. `isFresh`: the service took the order just
 * now, so that its age is known.
 */
export type How = { atOnce: boolean; isFresh: boolean };

export class PolledJob {
  job: Job;
  readonly isFresh: boolean;
  /** A job without an end by then is given up. */
  readonly until: number;
  /** Its part in the request that is under way: its time had come, or the request had room for it. */
  read: 'due' | 'along' | undefined;
  /** When it is polled next, and how long the wait until then is as a whole. */
  dueAt = Number.POSITIVE_INFINITY;
  dueAfterMs = 0;
  /** An event has reported its end. */
  hasEvent = false;
  /** Events are trusted to report its end before the next poll, which is a fallback. */
  isFallback = false;
  /** It is polled in even steps, counted from its last poll, whatever that was made for. */
  isStepping = false;
  /** Polls of its own schedule. The first of a job of unknown age, and one that an event asks for, do not count. */
  polls: number;
  readonly #clock: Clock;
  readonly #acceptedAt: number;
  #seenAt: number | undefined;
  #hadEventMeanwhile = false;
  /** The service asked for silence until then, whatever an event says. */
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(
    job: Job,
    readonly remoteId: string,
    how: How,
    clock: Clock,
    stalledAfterMs: number,
  ) {
    this.job = job;
    this.isFresh = how.isFresh;
    this.#clock = clock;
    const now = clock.monotonic();
    this.until = now + stalledAfterMs;
    this.#acceptedAt = now - Math.max(0, clock.now() - (job.acceptedAt ?? job.createdAt));
    this.polls = how.atOnce ? -1 : 0;
    if (how.atOnce) this.dueAt = now;
  }

  ageMs(at: number): number {
    return Math.max(0, at - this.#acceptedAt);
  }

  /** The age at which it was seen last, unfinished; 0 when it never was. */
  seenMs(): number {
    return this.#seenAt === undefined ? 0 : this.ageMs(this.#seenAt);
  }

  /** Whether it may be asked for at all. */
  isWelcome(at: number): boolean {
    return at >= this.#notBefore;
  }

  beginRead(part: 'due' | 'along'): void {
    this.read = part;
    this.#hadEventMeanwhile = false;
  }

  /** @param seenAt when it was seen unfinished; `undefined`: the answer said nothing about it */
  notePoll(seenAt: number | undefined): void {
    this.#seenAt = seenAt ?? this.#seenAt;
    if (this.read === 'due') this.polls += 1;
  }

  endRead(): void {
    this.read = undefined;
    // An event that came while the answer was under way may be newer than the answer.
    if (this.#hadEventMeanwhile) this.noteEvent();
  }

  /** It is at its end: an answer that does not know that yet will soon. */
  noteEvent(): void {
    this.#hadEventMeanwhile = this.read !== undefined;
    this.hasEvent = true;
    this.isFallback = false;
    this.polls = -1;
    this.dueAt = Math.max(this.#clock.monotonic(), this.#notBefore);
    this.dueAfterMs = 0;
  }

  /** @param obeyedMs for how long the service asked for silence */
  dueIn(delayMs: number, obeyedMs: number): void {
    const now = this.#clock.monotonic();
    this.#notBefore = now + obeyedMs;
    this.dueAfterMs = Math.max(delayMs, obeyedMs);
    this.dueAt = now + this.dueAfterMs;
  }
}
