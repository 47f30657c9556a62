/** Looks after jobs whose process is gone: closes what was never sent, carries on what may be paid for. */

import type { Clock } from '../core/clock.ts';
import { isEnded, type Job, type JobTimes } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import { isSameOwner, type Processes } from '../core/processes.ts';
import type { Gate } from '../limits/limits.ts';
import type { AccountEntry } from '../limits/reservations.ts';
import type { JobBoard } from './job-records.ts';
import type { JobRunner } from './job-runner.ts';
import { UNSENT } from './order-failures.ts';

/** Three tries of 30 s with the delays between them; a sender that says nothing for longer has lost its way. */
const SENDING_TAKES_AT_MOST_MS = 5 * 60_000;
/** An order is recorded right after it was admitted; without a record for so long, it never will be. */
const RECORDING_TAKES_AT_MOST_MS = 60_000;
/** A process that waits for a place says so on record every minute; one that is silent for so long is gone. */
const QUEUED_AT_MOST_MS = 5 * 60_000;
/** How often one job is carried on without anybody asking for it. */
const CARRY_ON_EVERY_MS = 30_000;

export type RecoveryParts = {
  board: JobBoard;
  gate: Gate;
  runner: () => JobRunner;
  clock: Clock;
  log: Log;
  processes: Processes;
};

export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #times: JobTimes;
  readonly #carriedOnAt = new Map<string, number>();

  constructor(parts: RecoveryParts, times: JobTimes) {
    this.#parts = parts;
    this.#times = times;
  }

  /**
   * Another process is sending it: its answer will be on record in a moment. Were it wrong, the same key would keep a
   * second request from being charged.
   */
  isInOtherHands(job: Job): boolean {
    if (job.state !== 'queued' && job.state !== 'submitting') return false;
    const { processes, clock } = this.#parts;
    if (isSameOwner(job.owner, processes.self()) || !processes.isAlive(job.owner)) return false;
    const quietMs = Math.abs(clock.now() - job.updatedAt);
    return quietMs < (job.state === 'queued' ? QUEUED_AT_MOST_MS : SENDING_TAKES_AT_MOST_MS);
  }

  /** Its process is gone, and a record in this state says that nothing has left it. */
  closeUnsent(job: Job): Promise<Job> {
    return this.#parts.board.apply(job.id, { type: 'unsent', failure: UNSENT, at: this.#parts.clock.now() });
  }

  /**
   * Brings the account in line with the records: orders that ended, orders that were never recorded or never sent.
   * @param options `carryOn`: jobs that may be paid for are submitted again under their own key, or watched again
   */
  async sweep(options: { carryOn: boolean }): Promise<void> {
    const { account } = await this.#parts.gate.state();
    for (const entry of account.entries) {
      if (entry.end !== undefined) continue;
      try {
        await this.#bringInLine(entry, options.carryOn);
      } catch (error) {
        // One record that cannot be changed must not stand in the way of all others.
        this.#parts.log.warn('an order could not be recovered', { id: entry.id, error: String(error) });
      }
    }
  }

  async #bringInLine(entry: AccountEntry, carryOn: boolean): Promise<void> {
    const { gate, board } = this.#parts;
    const job = await board.find(entry.id);
    // Asked after the look: an order of this process is carried on before its record can be seen.
    if (this.#isCarriedOnHere(entry.id)) return;
    if (job !== undefined) await this.#settle(job, entry, carryOn);
    else if (entry.placedAt !== undefined) await gate.lose(entry.id);
    else if (!this.#isBeingRecorded(entry)) await gate.drop(entry.id);
  }

  /** Whether an order that has no record yet is about to get one. */
  async awaitsRecord(id: string): Promise<boolean> {
    const { account } = await this.#parts.gate.state();
    const entry = account.entries.find((known) => known.id === id);
    return entry !== undefined && entry.end === undefined && this.#isBeingRecorded(entry);
  }

  /** Whether an order on the account that has no record may have left. */
  async mayHaveLeft(id: string): Promise<boolean> {
    const { account } = await this.#parts.gate.state();
    return account.entries.some((entry) => entry.id === id && entry.placedAt !== undefined);
  }

  #isBeingRecorded({ at, owner }: AccountEntry): boolean {
    const { clock, processes } = this.#parts;
    return Math.abs(clock.now() - at) <= RECORDING_TAKES_AT_MOST_MS && processes.isAlive(owner);
  }

  async #settle(job: Job, entry: AccountEntry, carryOn: boolean): Promise<void> {
    const { gate, clock, processes } = this.#parts;
    if (isEnded(job) || job.state === 'unknown') return gate.note(job);
    const isElsewhere = !isSameOwner(job.owner, processes.self());
    // From when it got its place: it may have waited for long before, and failed looks at it are no news.
    const isStalled = clock.now() - (entry.placedAt ?? job.createdAt) > this.#times.stalledAfterMs;
    if (isElsewhere && this.isInOtherHands(job)) {
      if (isStalled) await gate.givePlaceBack(job.id);
      return;
    }
    if (job.state === 'queued') {
      await this.closeUnsent(job);
      return;
    }
    // One without news is not watched any more, and one without an answer must not keep all others waiting: the service
    // is taken to be done with it.
    if (isStalled) await gate.givePlaceBack(job.id);
    if (job.state === 'processing' && (isStalled || (isElsewhere && processes.isAlive(job.owner)))) return;
    if (carryOn && this.#isDue(job.id)) this.#parts.runner().ensure(job.id);
  }

  #isCarriedOnHere(id: string): boolean {
    return this.#parts.runner().isRunning(id);
  }

  #isDue(id: string): boolean {
    const now = this.#parts.clock.monotonic();
    const before = this.#carriedOnAt.get(id);
    if (before !== undefined && now - before < CARRY_ON_EVERY_MS) return false;
    for (const [known, at] of this.#carriedOnAt) if (now - at >= CARRY_ON_EVERY_MS) this.#carriedOnAt.delete(known);
    this.#carriedOnAt.set(id, now);
    return true;
  }
}
