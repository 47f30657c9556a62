/** The one place where a job's record changes: applies the event, stores the record, then wakes those who wait. */
import { BoundedMap, Mutex, Wakeup } from '../core/primitives.ts';
import type { Clock } from '../core/ports.ts';
import { FluxError } from '../core/failure.ts';
import { advance, isFinishedRemotely, isSameOwner, type Job, type JobEvent } from '../core/job.ts';
import type { JobFeed, JobStore, StoredJob } from '../core/job-store.ts';
import { changeAtVersion } from '../core/shared-value.ts';
import type { Limits } from '../limits/limits.ts';

export class JobRecords {
  /** Pictures of a call that were refused alone: they have no record, and are remembered for those who ask for them. */
  readonly #refused = new BoundedMap<string, Job>(500);
  readonly #listeners = new Map<string, Set<Wakeup>>();
  /** Changes of one job never overtake each other; many more than change at the same time. */
  readonly #changes = new BoundedMap<string, Mutex>(1_000);

  /**
   * @param store for others to search in, not to change
   * @param limits notes what matters to it, so that prices are settled and slots freed as the records say
   * @param feed hears of what was stored
   */
  constructor(
    readonly store: JobStore,
    private readonly limits: Pick<Limits, 'note'>,
    private readonly clock: Clock,
    private readonly feed: JobFeed = new Set(),
  ) {}

  async add(job: Job): Promise<void> {
    await this.store.add(job);
    for (const notify of this.feed) notify({ job, isNew: true });
  }

  /** The record after the event; stored before anybody acts on it. @throws FluxError when it cannot be stored */
  apply(id: string, event: JobEvent): Promise<Job> {
    const changes = this.#changes.get(id) ?? new Mutex();
    this.#changes.set(id, changes);
    return changes.run(() => this.#change(id, event));
  }

  async #change(id: string, event: JobEvent): Promise<Job> {
    const record = {
      changed: { type: 'record' as const, name: id, location: this.store.location },
      read: () => this.#stored(id),
      replace: (seen: StoredJob, job: Job) => this.store.replace(seen, job),
      creditsSpent: ({ state }: Job) => (state === 'queued' ? ('no' as const) : ('maybe' as const)),
      queue: this.store.queue?.(id),
    };
    const rule = (before: Job) => {
      const after = advance(before, event);
      const changed = after !== before;
      const job = changed ? { ...after, updatedAt: this.clock.now() } : before;
      return { value: job, result: { job, changed, isNoted: mattersToLimits(before, after) } };
    };
    const { job, changed, isNoted } = await changeAtVersion(record, rule, this.clock);
    if (changed) {
      if (isNoted) await this.limits.note(job);
      this.wake(id);
      for (const notify of this.feed) notify({ job, isNew: false });
    }
    return job;
  }

  async #stored(id: string): Promise<StoredJob> {
    const stored = await this.store.read(id);
    if (stored === undefined) throw lostRecord(id, this.store.location);
    return stored;
  }

  /** By our id or the service's. */
  async find(id: string): Promise<Job | undefined> {
    return this.#refused.get(id) ?? this.store.find(id);
  }

  keepRefused(job: Job): void {
    this.#refused.set(job.id, job);
  }

  /** For ids of our own making. @throws FluxError of kind `storage_failed` when the record is there no more */
  async get(id: string): Promise<Job> {
    return this.#refused.get(id) ?? (await this.#stored(id)).value;
  }

  /** Wakes those who wait for this job. */
  wake(id: string): void {
    for (const wakeup of this.#listeners.get(id) ?? []) wakeup.wake();
  }

  /** How many wait for this job. */
  listeners(id: string): number {
    return this.#listeners.get(id)?.size ?? 0;
  }

  /**
   * Reads the record at once, and again after each change, for as long as `check` wants that.
   * @param check returns how many milliseconds later it is to be read again at the latest; `undefined`: not any more
   */
  async follow(id: string, signal: AbortSignal | undefined, check: (job: Job) => Promise<number | undefined>) {
    const wakeup = new Wakeup(this.clock);
    const wakeups = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, wakeups.add(wakeup));
    try {
      for (;;) {
        const job = await this.get(id);
        signal?.throwIfAborted();
        const delayMs = await check(job);
        if (delayMs === undefined) return job;
        await wakeup.wait(delayMs, signal);
      }
    } finally {
      wakeups.delete(wakeup);
      if (wakeups.size === 0) this.#listeners.delete(id);
    }
  }
}

/** Neither that it is about to leave nor that its picture is saved changes what is reserved or spent. */
function mattersToLimits(before: Job, after: Job): boolean {
  if (!isSameOwner(before.owner, after.owner) || before.secondRemoteId !== after.secondRemoteId) return true;
  return after.state !== 'submitting' && !isFinishedRemotely(before);
}

/** A record that was there and cannot be read any more: the order may well be paid for. */
export function lostRecord(id: string, location: string): FluxError {
  const reason = { code: 'record_lost', id, location } as const;
  return new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'maybe', retry: 'no' });
}
