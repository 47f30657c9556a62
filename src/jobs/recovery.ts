/** Looks after jobs whose process is gone: closes what was never sent, carries on what may be paid for. */

import { BoundedMap } from '../core/bounded-map.ts';
import type { Clock } from '../core/clock.ts';
import { isFinishedRemotely, type Job, type JobTimes } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import type { Processes } from '../core/processes.ts';
import type { Limits } from '../limits/limits.ts';
import type { Reservation } from '../limits/reservations.ts';
import type { JobRecords } from './job-records.ts';
import type { JobRunner } from './job-runner.ts';

/** An order is recorded right after it was admitted; without a record for so long, it never will be. */
const RECORDING_TAKES_AT_MOST_MS = 60_000;
/** How often one job is carried on without anybody asking for it. */
const RESUME_EVERY_MS = 30_000;
/** Many more jobs than are found unfinished in that time. */
const REMEMBERED = 1_000;

export type RecoveryDeps = {
  records: JobRecords;
  limits: Limits;
  runner: Pick<JobRunner, 'nextAction' | 'closeUnsent' | 'ensure' | 'isRunning'>;
  clock: Clock;
  log: Log;
  processes: Processes;
};

export class Recovery {
  readonly #deps: RecoveryDeps;
  readonly #times: JobTimes;
  readonly #resumedAt = new BoundedMap<string, number>(REMEMBERED);

  constructor(deps: RecoveryDeps, times: JobTimes) {
    this.#deps = deps;
    this.#times = times;
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
    if (this.#deps.runner.isRunning(entry.id)) return;
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
    const { limits, runner, clock } = this.#deps;
    if (isFinishedRemotely(job) || job.state === 'unknown') return limits.note(job);
    // From when it got its slot: it may have waited for long before, and failed polls of it are no news.
    const isStalled = clock.now() - (entry.slotAt ?? job.createdAt) > this.#times.stalledAfterMs;
    const action = runner.nextAction(job, { asked: false, age: isStalled ? 'stalled' : 'recent' });
    if (action === 'close_unsent') {
      await runner.closeUnsent(job);
      return;
    }
    // One without news or without an answer must not keep all others waiting: the service is taken to be done with it.
    if (isStalled) await limits.releaseSlot(job.id);
    const isResumable = action === 'poll' || action === 'resend';
    if (isResumable && resume && this.#isDue(job.id)) runner.ensure(job.id);
  }

  #isDue(id: string): boolean {
    const now = this.#deps.clock.monotonic();
    const before = this.#resumedAt.get(id);
    if (before !== undefined && now - before < RESUME_EVERY_MS) return false;
    this.#resumedAt.set(id, now);
    return true;
  }
}
