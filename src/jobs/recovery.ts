/** Looks after jobs whose process is gone: closes what was never sent, carries on what may be paid for. */

import type { Clock } from '../core/clock.ts';
import { isFinishedRemotely, type Job, type JobTimes } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import { isSameOwner, type Processes } from '../core/processes.ts';
import type { Limits } from '../limits/limits.ts';
import type { Reservation } from '../limits/reservations.ts';
import type { JobRecords } from './job-records.ts';
import type { JobRunner } from './job-runner.ts';
import { ABANDONED } from './order-failures.ts';

/** Three tries of 30 s with the delays between them; a sender that says nothing for longer has lost its way. */
const SENDING_TAKES_AT_MOST_MS = 5 * 60_000;
/** An order is recorded right after it was admitted; without a record for so long, it never will be. */
const RECORDING_TAKES_AT_MOST_MS = 60_000;
/** A process that waits for a place says so on record every minute; one that is silent for so long is gone. */
const QUEUED_AT_MOST_MS = 5 * 60_000;
/** How often one job is carried on without anybody asking for it. */
const RESUME_EVERY_MS = 30_000;

export type RecoveryDeps = {
  records: JobRecords;
  limits: Limits;
  runner: () => JobRunner;
  clock: Clock;
  log: Log;
  processes: Processes;
};

export class Recovery {
  readonly #deps: RecoveryDeps;
  readonly #times: JobTimes;
  readonly #resumedAt = new Map<string, number>();

  constructor(deps: RecoveryDeps, times: JobTimes) {
    this.#deps = deps;
    this.#times = times;
  }

  /**
   * Another process is sending it: its answer will be on record in a moment. Were it wrong, the same key would keep a
   * second request from being charged.
   */
  isInOtherHands(job: Job): boolean {
    if (job.state !== 'queued' && job.state !== 'submitting') return false;
    const { processes, clock } = this.#deps;
    if (isSameOwner(job.owner, processes.self()) || !processes.isAlive(job.owner)) return false;
    const quietMs = Math.abs(clock.now() - job.updatedAt);
    return quietMs < (job.state === 'queued' ? QUEUED_AT_MOST_MS : SENDING_TAKES_AT_MOST_MS);
  }

  /** Its process is gone, and a record in this state says that nothing has left it. */
  abandon(job: Job): Promise<Job> {
    return this.#deps.records.apply(job.id, { type: 'abandoned', failure: ABANDONED, at: this.#deps.clock.now() });
  }

  /**
   * Brings the account in line with the records: orders that ended, orders that were never recorded or never sent.
   * @param options `resume`: jobs that may be paid for are submitted again under their own key, or watched again
   */
  async reconcile(options: { resume: boolean }): Promise<void> {
    const { reservations } = await this.#deps.limits.state();
    for (const entry of reservations.entries) {
      if (entry.end !== undefined) continue;
      try {
        await this.#bringInLine(entry, options.resume);
      } catch (error) {
        // One record that cannot be changed must not stand in the way of all others.
        this.#deps.log.warn('an order could not be recovered', { id: entry.id, error: String(error) });
      }
    }
  }

  async #bringInLine(entry: Reservation, resume: boolean): Promise<void> {
    const { limits, records } = this.#deps;
    const job = await records.find(entry.id);
    // Asked after the look: an order of this process is carried on before its record can be seen.
    if (this.#isResumedHere(entry.id)) return;
    if (job !== undefined) await this.#settle(job, entry, resume);
    else if (entry.slotAt !== undefined) await limits.lose(entry.id);
    else if (!this.#isBeingRecorded(entry)) await limits.drop(entry.id);
  }

  /** Whether an order that has no record yet is about to get one. */
  async awaitsRecord(id: string): Promise<boolean> {
    const { reservations } = await this.#deps.limits.state();
    const entry = reservations.entries.find((known) => known.id === id);
    return entry !== undefined && entry.end === undefined && this.#isBeingRecorded(entry);
  }

  /** Whether an order on the account that has no record may have left. */
  async mayHaveLeft(id: string): Promise<boolean> {
    const { reservations } = await this.#deps.limits.state();
    return reservations.entries.some((entry) => entry.id === id && entry.slotAt !== undefined);
  }

  #isBeingRecorded({ at, owner }: Reservation): boolean {
    const { clock, processes } = this.#deps;
    return Math.abs(clock.now() - at) <= RECORDING_TAKES_AT_MOST_MS && processes.isAlive(owner);
  }

  async #settle(job: Job, entry: Reservation, resume: boolean): Promise<void> {
    const { limits, clock, processes } = this.#deps;
    if (isFinishedRemotely(job) || job.state === 'unknown') return limits.note(job);
    const isElsewhere = !isSameOwner(job.owner, processes.self());
    // From when it got its place: it may have waited for long before, and failed looks at it are no news.
    const isStalled = clock.now() - (entry.slotAt ?? job.createdAt) > this.#times.stalledAfterMs;
    if (isElsewhere && this.isInOtherHands(job)) {
      if (isStalled) await limits.releaseSlot(job.id);
      return;
    }
    if (job.state === 'queued') {
      await this.abandon(job);
      return;
    }
    // One without news is not watched any more, and one without an answer must not keep all others waiting: the service
    // is taken to be done with it.
    if (isStalled) await limits.releaseSlot(job.id);
    if (job.state === 'processing' && (isStalled || (isElsewhere && processes.isAlive(job.owner)))) return;
    if (resume && this.#isDue(job.id)) this.#deps.runner().ensure(job.id);
  }

  #isResumedHere(id: string): boolean {
    return this.#deps.runner().isRunning(id);
  }

  #isDue(id: string): boolean {
    const now = this.#deps.clock.monotonic();
    const before = this.#resumedAt.get(id);
    if (before !== undefined && now - before < RESUME_EVERY_MS) return false;
    for (const [known, at] of this.#resumedAt) if (now - at >= RESUME_EVERY_MS) this.#resumedAt.delete(known);
    this.#resumedAt.set(id, now);
    return true;
  }
}
