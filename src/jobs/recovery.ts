/** Looks after jobs whose process is gone: closes what was never sent, resumes what may be paid for. */
import { BoundedMap } from '../core/bounded-map.ts';
import { isFinishedRemotely, type Job, type JobTimes } from '../core/job.ts';
import type { Reservation } from '../limits/reservations.ts';
import type { JobsDeps } from './deps.ts';
import type { JobRunner } from './job-runner.ts';

/** Reservations are reconciled with the records at most so often. */
const RECONCILE_EVERY_MS = 2_500;
/** An order is recorded right after it was admitted; without a record for so long, it never will be. */
const RECORDING_TAKES_AT_MOST_MS = 60_000;
/** How often one job is resumed without anybody asking for it. */
const RESUME_EVERY_MS = 30_000;
/** Many more jobs than are found unfinished in that time. */
const REMEMBERED = 1_000;

type Deps = JobsDeps & { runner: JobRunner };

export class Recovery {
  readonly #deps: Deps;
  readonly #times: JobTimes;
  readonly #resumedAt = new BoundedMap<string, number>(REMEMBERED);
  #reconciled = { at: Number.NEGATIVE_INFINITY, done: Promise.resolve() };

  constructor(deps: Deps, times: JobTimes) {
    this.#deps = deps;
    this.#times = times;
  }

  /** One round serves all who order or wait here: each would read the record of every open order. Never rejects. */
  resumeAbandoned(): Promise<void> {
    const { clock, log } = this.#deps;
    const now = clock.monotonic();
    if (now - this.#reconciled.at >= RECONCILE_EVERY_MS) {
      const done = this.reconcile({ resume: true }).catch((error: unknown) => {
        log.warn('jobs of earlier processes could not be recovered', { error: String(error) });
      });
      this.#reconciled = { at: now, done };
    }
    return this.#reconciled.done;
  }

  /**
   * Brings the reservations in line with the records: orders that ended, orders that were never recorded or never sent.
   * @param options `resume`: jobs that may be paid for are submitted again under their own key, or polled again
   */
  async reconcile({ resume }: { resume: boolean }): Promise<void> {
    for (const entry of await this.#openReservations()) {
      try {
        await this.#bringInLine(entry, resume);
      } catch (error) {
        // One record that cannot be changed must not keep all others from being recovered.
        this.#deps.log.warn('an order could not be recovered', { id: entry.id, error: String(error) });
      }
    }
  }

  /** Whether an order that has no record yet is about to get one. */
  async awaitsRecord(id: string): Promise<boolean> {
    return (await this.#openReservations()).some((entry) => entry.id === id && this.#isBeingRecorded(entry));
  }

  async #openReservations(): Promise<readonly Reservation[]> {
    const { reservations } = await this.#deps.limits.state();
    return reservations.entries.filter(({ end }) => end === undefined);
  }

  async #bringInLine(entry: Reservation, resume: boolean): Promise<void> {
    const { limits, records, runner } = this.#deps;
    const job = await records.find(entry.id);
    // Asked after the record: an order of this process is at work before its record can be seen.
    if (runner.isRunning(entry.id)) return;
    if (job !== undefined) await this.#settle(job, entry, resume);
    else if (entry.slotAt !== undefined) await limits.lose(entry.id);
    else if (!this.#isBeingRecorded(entry)) await limits.drop(entry.id);
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
    // It is resumed another time, so that an order that waits gets the slot first.
    if (isStalled && entry.slot) return limits.releaseSlot(job.id);
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
