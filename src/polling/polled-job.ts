/** One job under watch: what was seen of it, and when it is to be looked at next. Times are monotonic milliseconds. */
import type { Clock } from '../core/clock.ts';
import type { Job } from '../core/job.ts';

/**
 * `atOnce`: the first look waits for nothing, the job may be long finished. `isFresh`: the service took the order just
 * now, so that its age is known.
 */
export type How = { atOnce: boolean; isFresh: boolean };

export class PolledJob {
  /** Resolves when the watch ends. */
  readonly finished: Promise<Job>;
  readonly isFresh: boolean;
  /** A job without an end by then is left alone. */
  readonly until: number;
  job: Job;
  isBeingRead = false;
  isFinished = false;
  /** Looks that its own schedule counts. */
  polls = 0;
  /** An event has told of its end. */
  hasEvent = false;
  /** The next look is one that an event has asked for. */
  isEventPoll = false;
  /** Events are trusted to tell of its end before the next look. */
  isFallback = false;
  /** When it is polled next. */
  dueAt = Number.POSITIVE_INFINITY;
  /** It is polled in even steps, counted from its last poll, whatever that was made for. */
  isStepping = false;
  /** How long the wait until then is as a whole. */
  dueAfterMs = 0;
  readonly #clock: Clock;
  readonly #acceptedAt: number;
  readonly #gone = new AbortController();
  #seenAt: number | undefined;
  #hadEventMeanwhile = false;
  /** The service asked for silence until then, whatever an event says. */
  #notBefore = Number.NEGATIVE_INFINITY;
  /** The first look of a job of unknown age does not count. */
  #isFirst: boolean;
  #resolve: (job: Job) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

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
    this.#isFirst = how.atOnce;
    if (how.atOnce) this.dueAt = now;
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Aborted when the watch ends. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  ageMs(at: number): number {
    return Math.max(0, at - this.#acceptedAt);
  }

  /** The age at which it was seen last, unfinished; 0 when it never was. */
  seenMs(): number {
    return this.#seenAt === undefined ? 0 : this.ageMs(this.#seenAt);
  }

  beginRead(): void {
    this.isBeingRead = true;
    this.#hadEventMeanwhile = false;
  }

  /** What an event told while the answer was on its way may be newer than the answer. */
  isRead(): void {
    this.isBeingRead = false;
    if (this.#hadEventMeanwhile) this.noteEvent();
  }

  /** Whether it may be asked for now at all. */
  isWelcome(at: number): boolean {
    return at >= this.#notBefore;
  }

  end(job: Job): void {
    this.isFinished = true;
    this.#resolve(job);
  }

  fail(error: unknown): void {
    this.isFinished = true;
    this.#reject(error);
  }

  letGo(): void {
    this.#gone.abort(new Error('the watch has ended'));
  }

  sawUnfinished(at: number, isDue: boolean): void {
    this.#seenAt = at;
    this.#counted(isDue);
  }

  sawNothing(isDue: boolean): void {
    this.#counted(isDue);
  }

  dueIn(delayMs: number, isFallback: boolean): void {
    this.dueAt = this.#clock.monotonic() + delayMs;
    this.dueAfterMs = delayMs;
    this.isFallback = isFallback;
  }

  /** After a look that told nothing. `obeyedMs`: what the service asked for. */
  waitAtLeast(obeyedMs: number): void {
    const now = this.#clock.monotonic();
    this.#notBefore = now + obeyedMs;
    const due = Math.max(this.dueAt, this.#notBefore);
    this.dueAfterMs = due - now;
    this.dueAt = due;
  }

  /** It is at its end: an answer that does not know that yet will soon. */
  noteEvent(): void {
    this.#hadEventMeanwhile = this.isBeingRead;
    this.hasEvent = true;
    this.isEventPoll = true;
    this.polls = 0;
    this.dueAt = Math.max(this.#clock.monotonic(), this.#notBefore);
    this.dueAfterMs = 0;
  }

  #counted(isDue: boolean): void {
    if (!isDue) return;
    if (!this.#isFirst && !this.isEventPoll) this.polls += 1;
    this.#isFirst = false;
    this.isEventPoll = false;
  }
}
