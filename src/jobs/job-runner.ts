/** Carries a job on from wherever it stands: submit, watch, collect. It lives apart from the calls that wait for it. */
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import type { ImageDownload, ImageStore, Picture } from '../core/image-store.ts';
import type { Job, JobTimes } from '../core/job.ts';
import type { JobEvents } from '../core/job-events.ts';
import type { Log } from '../core/log.ts';
import { isSameOwner, type Processes } from '../core/processes.ts';
import type { Gate } from '../limits/limits.ts';
import type { DurationMemory } from '../polling/duration-memory.ts';
import { Watcher, type WatchSettings } from '../polling/poller.ts';
import { Collection } from './collection.ts';
import { InlinePictures } from './inline-pictures.ts';
import type { JobBoard } from './job-records.ts';
import type { Hold } from './order-failures.ts';
import { Places } from './slot-queue.ts';
import { submit } from './submission.ts';

export type RunnerParts = {
  board: JobBoard;
  gate: Gate;
  provider: ImageProvider;
  download: ImageDownload;
  store: ImageStore;
  events: JobEvents;
  durations: DurationMemory;
  clock: Clock;
  log: Log;
  processes: Processes;
  /** Called before each order leaves: what listens for events is there in time. Never rejects. */
  onSubmission?: (() => Promise<void>) | undefined;
};

export type RunnerSettings = JobTimes & WatchSettings;

export class JobRunner {
  readonly #parts: RunnerParts;
  readonly #settings: RunnerSettings;
  readonly #inline = new InlinePictures();
  readonly #collection: Collection;
  readonly #watcher: Watcher;
  readonly #places: Places;
  readonly #running = new Map<string, Promise<void>>();
  /** What stopped a run that the record could not be told of: the record itself could not be written. */
  readonly #troubles = new Map<string, Failure>();
  readonly #holds = new Map<string, Hold>();
  /** Of orders that have not been sent and can still be taken back. */
  readonly #withdrawals = new Map<string, AbortController>();
  /** Ends with the process, not with a call: money that left is watched even when nobody waits any more. */
  readonly #life = new AbortController();

  /** @param sweep looks after jobs whose process is gone; called while an order waits for a place */
  constructor(parts: RunnerParts, settings: RunnerSettings, sweep: () => Promise<void>) {
    this.#parts = parts;
    this.#settings = settings;
    const withInline = { ...parts, inline: this.#inline };
    this.#collection = new Collection(withInline);
    this.#watcher = new Watcher(withInline, settings, this.#life.signal);
    this.#places = new Places({ ...parts, sweep });
  }

  /**
   * Records a new order and carries it on. It counts as running from the first moment: its record may be seen before
   * this is done, and must not be taken for one that was left behind.
   */
  begin(id: string, record: () => Promise<void>): Promise<void> {
    // From here on: a call that is cancelled meanwhile takes its order back.
    this.#withdrawals.set(id, new AbortController());
    const recorded = record();
    const run = async (): Promise<void> => {
      // Whoever ordered is told why there is no record.
      const isRecorded = await recorded.then(
        () => true,
        () => false,
      );
      if (isRecorded) await this.#run(id);
    };
    this.#start(id, run());
    return recorded;
  }

  /** Starts carrying the job on unless that is under way. */
  ensure(id: string): void {
    if (this.#running.has(id) || this.#life.signal.aborted) return;
    this.#troubles.delete(id);
    this.#start(id, this.#run(id));
  }

  #start(id: string, work: Promise<void>): void {
    const run = work
      .catch((error: unknown) => {
        if (error instanceof FluxError) this.#troubles.set(id, error.failure);
        if (!this.#life.signal.aborted)
          this.#parts.log.error('a job stopped unexpectedly', { id, error: String(error) });
      })
      .finally(() => {
        this.#running.delete(id);
        this.#withdrawals.delete(id);
        this.#parts.board.wake(id);
        this.#places.poke();
      });
    this.#running.set(id, run);
  }

  /** Why the last run of this job stopped without the record saying so. */
  troubleOf(id: string): Failure | undefined {
    return this.#troubles.get(id);
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  /** What an order that has not been sent waits for. */
  holdOf(id: string): Hold | undefined {
    return this.#holds.get(id);
  }

  /** Takes an order back that has not been sent. One that was sent goes on. */
  withdraw(id: string): void {
    this.#withdrawals.get(id)?.abort(new Error('the order was taken back'));
  }

  /** Fetches a saved picture once more whose file is gone. @returns what stands in the way */
  fetchAgain(job: Job): Promise<Failure | undefined> {
    return this.#collection.fetch(job, AbortSignal.any([this.#life.signal]));
  }

  /** A fetched picture that is not on disk. */
  unsaved(id: string): Picture | undefined {
    return this.#collection.unsaved(id);
  }

  /** Stops all work here; what the service was asked for goes on there. */
  async close(): Promise<void> {
    this.#life.abort(new Error('the server is ending'));
    await Promise.all(this.#running.values());
  }

  async #run(id: string): Promise<void> {
    // Of its own: Node warns of a signal that many wait for.
    const life = AbortSignal.any([this.#life.signal]);
    let job = await this.#adopt(await this.#parts.board.get(id));
    if (job === undefined) return;
    const isFresh = job.state === 'queued';
    const submits = isFresh || job.state === 'submitting';
    if (submits) job = await this.#submit(job, life);
    // One that was not submitted just now may be long finished: the first look is at once.
    if (job.state === 'processing') job = await this.#watcher.follow(job, { atOnce: !submits, isFresh });
    // Its place is free while its picture is fetched.
    this.#places.poke();
    if (job.state === 'completed') await this.#collection.collect(job, life);
  }

  /** @returns `undefined` when another process was faster */
  async #adopt(job: Job): Promise<Job | undefined> {
    const { board, processes } = this.#parts;
    const self = processes.self();
    // A process that lives may be stuck: it is asked nothing, and its sent job is only watched here as well.
    const inItsHands = processes.isAlive(job.owner) && job.state !== 'submitting';
    if (isSameOwner(job.owner, self) || inItsHands) return job;
    const adopted = await board.apply(job.id, { type: 'adopted', from: job.owner, owner: self });
    return isSameOwner(adopted.owner, self) ? adopted : undefined;
  }

  #submit(job: Job, life: AbortSignal): Promise<Job> {
    const withdrawal = this.#withdrawals.get(job.id) ?? new AbortController();
    return submit(
      job,
      { ...this.#parts, places: this.#places, inline: this.#inline },
      {
        life,
        withdrawal: withdrawal.signal,
        resendWindowMs: this.#settings.resendWindowMs,
        onSending: () => this.#withdrawals.delete(job.id),
        onHold: (hold) => this.#hold(job.id, hold),
      },
    );
  }

  #hold(id: string, hold: Hold | undefined): void {
    const known = this.#holds.get(id);
    if (hold === undefined) this.#holds.delete(id);
    else this.#holds.set(id, hold);
    if (known?.reason !== hold?.reason) this.#parts.board.wake(id);
  }
}
