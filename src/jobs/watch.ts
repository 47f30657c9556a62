/** Watches a job at the service until it ends there: asks in the rhythm of a schedule, and at once after an event. */
import { OBEYED_DELAY_MAX_MS } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { type Failure, failureOf } from '../core/failure.ts';
import type { JobGate } from '../core/gate.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import type { Job } from '../core/job.ts';
import type { JobEvents } from '../core/job-events.ts';
import { eventsArrive, pollDelayMs, safetyNetDelayMs } from '../core/poll-schedule.ts';
import { leadsTo } from '../core/webhook-url.ts';
import type { JobBoard } from './job-board.ts';

export type WatchParts = {
  board: JobBoard;
  gate: Pick<JobGate, 'givePlaceBack'>;
  provider: Pick<ImageProvider, 'read'>;
  events: JobEvents;
  clock: Clock;
};

export type WatchSettings = {
  /** A job without an end after so long is not watched any more. */
  stalledAfterMs: number;
  /** Where events for the processes with this key arrive, if anywhere. */
  webhookUrl?: string | undefined;
};

/** The wait before the next look at a job. `isNet`: events are trusted to end it before. */
type Turn = { delayMs: number; isNet: boolean };

export class Watch {
  readonly #parts: WatchParts;
  readonly #settings: WatchSettings;
  /** When a job was last found at its end, of which an event should have told. */
  #missedAt: number | undefined;

  constructor(parts: WatchParts, settings: WatchSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * @param atOnce the first look waits for nothing: the job may be long finished
   * @returns the job when it is not processing any more, or when it is left alone for now
   */
  async follow(watched: Job, atOnce: boolean, life: AbortSignal): Promise<Job> {
    const { board, gate, provider, clock } = this.#parts;
    const until = clock.monotonic() + this.#settings.stalledAfterMs;
    let job = watched;
    let turn = atOnce ? { delayMs: 0, isNet: false } : await this.#turn(job, 1, false);
    let obeyedMs = 0;
    let isTold = false;
    for (let poll = atOnce ? 1 : 2; job.state === 'processing' && job.remoteId !== undefined; poll += 1) {
      const why = await this.#wait(job, turn.delayMs, obeyedMs, until, life);
      if (why === 'over') {
        await gate.givePlaceBack(job.id);
        break;
      }
      if (why === 'told') {
        // It is at its end: an answer that does not know that yet will soon.
        isTold = true;
        poll = 1;
      }
      obeyedMs = 0;
      try {
        const remote = await provider.read(job.remoteId, life);
        job = await board.apply(job.id, { type: 'observed', remote, at: clock.now() });
        if (turn.isNet && why === 'due' && job.state !== 'processing') this.#missedAt = clock.now();
      } catch (error) {
        if (life.aborted) throw error;
        const failure = unreadable(error);
        job = await board.apply(job.id, { type: 'hindered', failure });
        obeyedMs = (failure.retryAfterSeconds ?? 0) * 1_000;
        if (failure.retry === 'no' || obeyedMs > OBEYED_DELAY_MAX_MS) break;
      }
      turn = await this.#turn(job, poll, isTold);
    }
    return job;
  }

  async #turn(job: Job, poll: number, isTold: boolean): Promise<Turn> {
    const { clock, events } = this.#parts;
    const isExpected = !isTold && leadsTo(this.#settings.webhookUrl, job.webhookUrl);
    const isNet = isExpected && eventsArrive(clock.now(), await events.lastMarkAt(), this.#missedAt);
    return { delayMs: (isNet ? safetyNetDelayMs : pollDelayMs)(poll, clock.random()), isNet };
  }

  /** @param obeyedMs what the service asked for: kept exactly, whatever an event says */
  async #wait(
    job: Job,
    scheduledMs: number,
    obeyedMs: number,
    until: number,
    life: AbortSignal,
  ): Promise<'due' | 'told' | 'over'> {
    const { clock } = this.#parts;
    const delayMs = Math.max(scheduledMs, obeyedMs);
    const leftMs = until - clock.monotonic();
    if (obeyedMs > leftMs) return 'over';
    if (obeyedMs > 0) await clock.sleep(obeyedMs, life);
    const restMs = Math.min(delayMs, leftMs) - obeyedMs;
    if (await this.#isToldWithin(job, restMs, life)) return 'told';
    return delayMs > leftMs ? 'over' : 'due';
  }

  async #isToldWithin({ remoteId, webhookUrl }: Job, delayMs: number, life: AbortSignal): Promise<boolean> {
    const { clock, events } = this.#parts;
    if (remoteId === undefined || webhookUrl === undefined) {
      await clock.sleep(delayMs, life);
      return false;
    }
    life.throwIfAborted();
    // Of this wait alone: whatever lost the race is let go of.
    const wait = new AbortController();
    const stop = (): void => wait.abort(life.reason);
    life.addEventListener('abort', stop, { once: true });
    try {
      return await Promise.race([
        clock.sleep(delayMs, wait.signal).then(() => false),
        events.watch(remoteId, wait.signal).then(() => true),
      ]);
    } finally {
      life.removeEventListener('abort', stop);
      wait.abort();
    }
  }
}

function unreadable(error: unknown): Failure {
  return failureOf(error, {
    message: `Reading the job ended in an unforeseen error (${error instanceof Error ? error.name : typeof error}).`,
    creditsSpent: 'maybe',
    retry: 'later',
  });
}
