/** What nobody works on: orders and pictures of processes that are gone, and reservations that nobody will use. */
import type { Asked, Job, NextAction } from '../core/job.ts';
import { isFinishedRemotely, isSameOwner, STALLED_AFTER_MS } from '../core/job.ts';
import { BoundedMap } from '../core/primitives.ts';
import type { Reservation } from '../limits/reservations.ts';
import type { JobsDeps } from './deps.ts';

/** It is looked for at most so often. */
const RECONCILE_EVERY_MS = 2_500;
/** An order is recorded right after it was admitted; without a record for so long, it never will be. */
const RECORDING_TAKES_AT_MOST_MS = 60_000;

/** What this process is at work on. */
type Runs = {
  hasRun(id: string): boolean;
  isRecording(id: string): boolean;
  nextAction(job: Job, asked: Asked): Promise<NextAction>;
  ensure(id: string, asked: Asked): void;
  closeUnsent(job: Job): Promise<Job>;
  giveUp(id: string): Promise<Job>;
};

export class Reconciler {
  #last = { at: Number.NEGATIVE_INFINITY, isOpen: Promise.resolve(true) };
  /** When an order of another process was first seen here without a record. */
  readonly #unrecorded = new BoundedMap<string, number>(1_000);

  constructor(
    private readonly deps: JobsDeps,
    private readonly runner: Runs,
  ) {}

  /** When the round that is under way has ended. Never rejects. */
  async settled(): Promise<void> {
    await this.#last.isOpen;
  }

  /** Takes over what processes that are gone have left. One round serves all who ask. Never rejects. @returns whether something stays open */
  recover(): Promise<boolean> {
    const { clock, log } = this.deps;
    const now = clock.monotonic();
    if (now - this.#last.at >= RECONCILE_EVERY_MS) {
      const isOpen = this.reconcile().catch((error: unknown) => {
        log.warn('jobs of earlier processes could not be recovered', { error: String(error) });
        return true;
      });
      this.#last = { at: now, isOpen };
    }
    return this.#last.isOpen;
  }

  /**
   * Brings the reservations in line with the records, and resumes what nobody works on.
   * @returns whether something stays open that somebody may have to look after
   */
  async reconcile(): Promise<boolean> {
    const { records, log } = this.deps;
    const open = await records.store.open();
    const known = new Set(open.map(({ id }) => id));
    // One that cannot be looked after must not keep all others from it.
    const failed = (id: string) => (error: unknown) => {
      log.warn('an order could not be recovered', { id, error: String(error) });
      return true;
    };
    let isOpen = false;
    for (const job of open) if (await this.#meet(job).catch(failed(job.id))) isOpen = true;
    for (const entry of await this.#openReservations())
      if (await this.#meetReservation(entry, known.has(entry.id)).catch(failed(entry.id))) isOpen = true;
    return isOpen;
  }

  /** @returns whether it has to be looked after again */
  async #meet(job: Job): Promise<boolean> {
    const { limits } = this.deps;
    if (this.runner.hasRun(job.id)) return true;
    if (isFinishedRemotely(job) || job.state === 'unknown') await limits.note(job);
    const action = await this.runner.nextAction(job, false);
    if (action === 'close_unsent') await this.runner.closeUnsent(job);
    if (action === 'give_up') await this.runner.giveUp(job.id);
    if (action === 'poll' || action === 'resend') this.runner.ensure(job.id, false);
    return action === 'wait' || action === 'poll' || action === 'resend';
  }

  /** @returns whether it has to be looked after again, although no open record says so */
  async #meetReservation(entry: Reservation, hasOpenRecord: boolean): Promise<boolean> {
    const { limits, records, clock } = this.deps;
    // One without news must not keep all others waiting: the service is taken to be done with it.
    const isOverdue = Math.abs(clock.now() - (entry.slotAt ?? entry.at)) > STALLED_AFTER_MS;
    if (entry.slot && isOverdue) await limits.releaseSlot(entry.id);
    if (hasOpenRecord) return false;
    // Asked before the record is read: one that is made in between is seen then.
    const isBeingRecorded = await this.#isBeingRecorded(entry);
    const job = await records.find(entry.id);
    // What a power failure took from the reservations follows from the record again.
    if (job !== undefined && isFinishedRemotely(job)) await limits.note(job);
    if (job !== undefined || isBeingRecorded) return job === undefined;
    if (entry.slotAt !== undefined) await limits.lose(entry.id);
    else await limits.drop(entry.id);
    return false;
  }

  /** Whether an order that has no record yet is about to get one. */
  async awaitsRecord(id: string): Promise<boolean> {
    const entry = (await this.#openReservations()).find((one) => one.id === id);
    return entry !== undefined && this.#isBeingRecorded(entry);
  }

  async #openReservations(): Promise<readonly Reservation[]> {
    const { entries } = await this.deps.limits.reservations();
    return entries.filter(({ end }) => end === undefined);
  }

  async #isBeingRecorded({ id, owner, slotAt }: Reservation): Promise<boolean> {
    const { clock, liveness } = this.deps;
    // It is recorded before it takes a slot.
    if (slotAt !== undefined) return false;
    if (isSameOwner(owner, liveness.self)) return this.runner.isRecording(id);
    // Clocks of several machines may differ by more than that.
    const seenAt = this.#unrecorded.get(id) ?? clock.monotonic();
    this.#unrecorded.set(id, seenAt);
    return clock.monotonic() - seenAt <= RECORDING_TAKES_AT_MOST_MS && (await liveness.stateOf(owner)) === 'alive';
  }
}
