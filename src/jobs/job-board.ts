/** The one place where a job's record changes: applies the event, stores the record, then wakes those who wait. */
import { advance, type Job, type JobEvent } from '../core/job.ts';
import type { JobLedger } from '../core/job-ledger.ts';

export class JobBoard {
  readonly #ledger: JobLedger;
  readonly #listeners = new Map<string, Set<() => void>>();
  /** The last change under way of each job: changes of one job never overtake each other. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(ledger: JobLedger) {
    this.#ledger = ledger;
  }

  async add(job: Job): Promise<void> {
    await this.#ledger.add(job);
  }

  /** The record after the event; stored before anybody acts on it. @throws FluxError when it cannot be stored */
  apply(id: string, event: JobEvent): Promise<Job> {
    const change = (this.#queues.get(id) ?? Promise.resolve()).then(() => this.#change(id, event));
    const settled = change.catch(() => undefined);
    this.#queues.set(id, settled);
    void settled.then(() => {
      if (this.#queues.get(id) === settled) this.#queues.delete(id);
    });
    return change;
  }

  async #change(id: string, event: JobEvent): Promise<Job> {
    let changed = false;
    const job = await this.#ledger.update(id, (before) => {
      const after = advance(before, event);
      changed = after !== before;
      return after;
    });
    if (job === undefined) throw new Error(`no record of job ${id}`);
    if (changed) this.wake(id);
    return job;
  }

  find(id: string): Promise<Job | undefined> {
    return this.#ledger.find(id);
  }

  /** For ids of our own making. @throws when there is no such job: a defect, not an input error. */
  async get(id: string): Promise<Job> {
    const job = await this.#ledger.find(id);
    if (job === undefined) throw new Error(`no record of job ${id}`);
    return job;
  }

  /** Newest first. */
  list(): Promise<readonly Job[]> {
    return this.#ledger.list();
  }

  /** Tells those who wait for this job to look again. */
  wake(id: string): void {
    for (const listener of this.#listeners.get(id) ?? []) listener();
  }

  /** Calls `listener` after every change of the job, until the returned function is called. */
  listen(id: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(id, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(id);
    };
  }
}
