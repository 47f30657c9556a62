/** Carries a job on from wherever it stands: submit, watch, collect. It lives apart from the calls that wait for it. */
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import type { ImageDownload, ImageStore, Picture } from '../core/image-store.ts';
import type { Job, JobTimes } from '../core/job.ts';
import type { JobEvents } from '../core/job-events.ts';
import type { Log } from '../core/log.ts';
import { type MetJob, type NextAction, nextAction, ownerOf } from '../core/next-action.ts';
import { isSameOwner, type Processes } from '../core/processes.ts';
import type { Limits } from '../limits/limits.ts';
import type { DurationMemory } from '../polling/duration-memory.ts';
import type { How } from '../polling/polled-job.ts';
import { Poller, type PollSettings } from '../polling/poller.ts';
import { Collection } from './collection.ts';
import { InlinePictures } from './inline-pictures.ts';
import type { JobRecords } from './job-records.ts';
import { ABANDONED, type WaitReason } from './order-failures.ts';
import { SlotQueue } from './slot-queue.ts';
import { submit } from './submission.ts';

export type RunnerDeps = {
  records: JobRecords;
  limits: Limits;
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

export type RunnerSettings = JobTimes & PollSettings;

export class JobRunner {
  readonly #deps: RunnerDeps;
  readonly #settings: RunnerSettings;
  readonly #inline = new InlinePictures();
  readonly #collection: Collection;
  readonly #poller: Poller;
  readonly #slots: SlotQueue;
  readonly #running = new Map<string, Promise<void>>();
  /** What stopped a run that the record could not be told of: the record itself could not be written. */
  readonly #troubles = new Map<string, Failure>();
  readonly #waitReasons = new Map<string, WaitReason>();
  /** Of orders that have not been sent and can still be taken back. */
  readonly #cancellations = new Map<string, AbortController>();
  /** Ends with the process, not with a call: money that left is watched even when nobody waits any more. */
  readonly #life = new AbortController();

  /** @param reconcile looks after jobs whose process is gone; called while an order waits for a place */
  constructor(deps: RunnerDeps, settings: RunnerSettings, reconcile: () => Promise<void>) {
    this.#deps = deps;
    this.#settings = settings;
    const withInline = { ...deps, inline: this.#inline };
    this.#collection = new Collection(withInline);
    this.#poller = new Poller(withInline, settings, this.#life.signal);
    this.#slots = new SlotQueue({ ...deps, reconcile });
  }

  /** What is to be done about a job that a caller asks for here and now, unless `met` says otherwise. */
  nextAction(job: Job, met: Partial<MetJob> = {}): NextAction {
    const { processes, clock } = this.#deps;
    const owner = ownerOf(job, processes, clock.now());
    return nextAction({
      state: job.state,
      owner,
      age: 'recent',
      running: this.isRunning(job.id),
      asked: true,
      ...met,
    });
  }

  /** Closes an order that was never sent, and that nobody will send. */
  closeUnsent(job: Job): Promise<Job> {
    const { records, clock } = this.#deps;
    return records.apply(job.id, { type: 'abandoned', failure: ABANDONED, at: clock.now() });
  }

  /**
   * Records a new order and sends it. It counts as running from the first moment: its record may be seen before this is
   * done, and must not be taken for one that was left behind.
   */
  begin(job: Job): Promise<void> {
    // From here on: a call that is cancelled meanwhile takes its order back.
    this.#cancellations.set(job.id, new AbortController());
    const recorded = this.#deps.records.add(job);
    this.#start(job.id, this.#runNew(job, recorded));
    return recorded;
  }

  /** Resumes the job unless that is under way. */
  ensure(id: string): void {
    if (this.#running.has(id) || this.#life.signal.aborted) return;
    this.#troubles.delete(id);
    this.#start(id, this.#runKnown(id));
  }

  #start(id: string, work: Promise<void>): void {
    const run = work
      .catch((error: unknown) => {
        if (error instanceof FluxError) this.#troubles.set(id, error.failure);
        if (!this.#life.signal.aborted)
          this.#deps.log.error('a job stopped unexpectedly', { id, error: String(error) });
      })
      .finally(() => {
        this.#running.delete(id);
        this.#cancellations.delete(id);
        this.#deps.records.wake(id);
        this.#slots.notify();
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
  waitReasonOf(id: string): WaitReason | undefined {
    return this.#waitReasons.get(id);
  }

  /** Takes an order back that has not been sent. One that was sent goes on. */
  cancelUnsent(id: string): void {
    this.#cancellations.get(id)?.abort(new Error('the order was taken back'));
  }

  /** Fetches a saved picture once more whose file is gone. @returns what stands in the way */
  fetchAgain(job: Job): Promise<Failure | undefined> {
    return this.#collection.fetch(job, this.#ownLife());
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

  async #runNew(order: Job, recorded: Promise<void>): Promise<void> {
    // Whoever ordered is told why there is no record.
    const isRecorded = await recorded.then(
      () => true,
      () => false,
    );
    if (!isRecorded) return;
    const life = this.#ownLife();
    await this.#finish(await this.#submit(order, life), { atOnce: false, isFresh: true }, life);
  }

  async #runKnown(id: string): Promise<void> {
    const job = await this.#adopt(await this.#deps.records.get(id));
    if (job === undefined) return;
    const life = this.#ownLife();
    // That it runs by now is what this is about.
    const action = this.nextAction(job, { running: false });
    if (action === 'resend') await this.#finish(await this.#submit(job, life), { atOnce: false, isFresh: false }, life);
    // It may be long finished: the first poll is at once.
    if (action === 'poll') await this.#finish(job, { atOnce: true, isFresh: false }, life);
  }

  async #finish(submitted: Job, how: How, life: AbortSignal): Promise<void> {
    const job = await this.#poller.follow(submitted, how);
    // Its slot is free while its picture is fetched.
    this.#slots.notify();
    if (job.state === 'completed') await this.#collection.collect(job, life);
  }

  /** A signal of its own for each run: Node warns of a signal that many wait for. */
  #ownLife(): AbortSignal {
    return AbortSignal.any([this.#life.signal]);
  }

  /** @returns `undefined` when another process was faster */
  async #adopt(job: Job): Promise<Job | undefined> {
    const { records, processes, clock } = this.#deps;
    const self = processes.self();
    // The job of a process that lives is polled here as well, and stays in its hands.
    if (ownerOf(job, processes, clock.now()) !== 'silent') return job;
    const adopted = await records.apply(job.id, { type: 'adopted', from: job.owner, owner: self });
    return isSameOwner(adopted.owner, self) ? adopted : undefined;
  }

  #submit(job: Job, life: AbortSignal): Promise<Job> {
    const cancellation = this.#cancellations.get(job.id) ?? new AbortController();
    return submit(
      job,
      { ...this.#deps, slots: this.#slots, inline: this.#inline },
      {
        life,
        cancellation: cancellation.signal,
        resendWindowMs: this.#settings.resendWindowMs,
        onSending: () => this.#cancellations.delete(job.id),
        onWaitReason: (waitReason) => this.#waitReason(job.id, waitReason),
      },
    );
  }

  #waitReason(id: string, waitReason: WaitReason | undefined): void {
    const known = this.#waitReasons.get(id);
    if (waitReason === undefined) this.#waitReasons.delete(id);
    else this.#waitReasons.set(id, waitReason);
    if (known?.reason !== waitReason?.reason) this.#deps.records.wake(id);
  }
}
