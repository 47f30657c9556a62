/** Does the work on a job from wherever it stands: submit, poll, collect. It lives apart from the calls that wait for it. */
import { type Failure, FluxError } from '../core/failure.ts';
import type { Picture } from '../core/image-store.ts';
import { isSettled, type Job } from '../core/job.ts';
import { type MetJob, type NextAction, nextAction, ownerOf } from '../core/next-action.ts';
import { isSameOwner } from '../core/processes.ts';
import type { How } from '../polling/polled-job.ts';
import { Poller } from '../polling/poller.ts';
import { Collection } from './collection.ts';
import type { JobsDeps, JobsSettings } from './deps.ts';
import { InlinePictures } from './inline-pictures.ts';
import { ABANDONED, type WaitReason } from './order-failures.ts';
import { SlotQueue } from './slot-queue.ts';
import { submit } from './submission.ts';

/** The work on one job. */
type Run = {
  done: Promise<void>;
  /** Ends with the process, not with a call: what was paid for is followed even when nobody waits any more. */
  life: AbortSignal;
  cancellation: AbortController;
  /** Nothing has been sent yet. */
  isCancellable: boolean;
  /** What an order that has not been sent waits for. */
  waitReason: WaitReason | undefined;
};

export class JobRunner {
  readonly #deps: JobsDeps;
  readonly #settings: JobsSettings;
  readonly #inline = new InlinePictures();
  readonly #collection: Collection;
  readonly #poller: Poller;
  readonly #slots: SlotQueue;
  readonly #runs = new Map<string, Run>();
  /** What stopped a run and could not be recorded, because the record itself could not be written. */
  readonly #troubles = new Map<string, Failure>();
  /** Why saved pictures whose files are gone could not be fetched again. */
  readonly #gone = new Map<string, Failure>();
  readonly #life = new AbortController();

  /** @param reconcile looks after jobs whose process is gone; called while an order waits for a slot */
  constructor(deps: JobsDeps, settings: JobsSettings, reconcile: () => Promise<void>) {
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
    const running = this.isRunning(job.id);
    return nextAction({ state: job.state, owner, age: 'recent', running, asked: true, ...met });
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
    const recorded = this.#deps.records.add(job);
    // From here on: a call that is cancelled meanwhile takes its order back.
    this.#start(job.id, true, (run) => this.#runNew(job, recorded, run));
    return recorded;
  }

  /** Resumes the job unless that is under way. */
  ensure(id: string): void {
    if (this.isRunning(id) || this.#life.signal.aborted) return;
    this.#troubles.delete(id);
    this.#start(id, false, (run) => this.#runKnown(id, run));
  }

  /** Takes an order back that has not been sent. One that was sent goes on. */
  cancelUnsent(id: string): void {
    const run = this.#runs.get(id);
    if (run?.isCancellable) run.cancellation.abort(new Error('the order was taken back'));
  }

  isRunning(id: string): boolean {
    return this.#runs.has(id);
  }

  /** What an order that has not been sent waits for. */
  waitReasonOf(id: string): WaitReason | undefined {
    return this.#runs.get(id)?.waitReason;
  }

  /** The job with the failure that could not be recorded. */
  withTrouble(job: Job): Job {
    const gone = job.state === 'saved' ? this.#gone.get(job.id) : undefined;
    if (gone !== undefined) {
      const { file: _, ...rest } = job;
      return { ...rest, state: 'completed', failure: gone };
    }
    const failure = this.isRunning(job.id) ? undefined : this.#troubles.get(job.id);
    return failure === undefined || isSettled(job) ? job : { ...job, failure };
  }

  /** Somebody has moved or removed the file of a saved picture: it is fetched again, without a new charge. */
  async fetchAgain(job: Job): Promise<Job> {
    const failure = await this.#collection.fetch(job, AbortSignal.any([this.#life.signal]));
    if (failure === undefined) this.#gone.delete(job.id);
    else this.#gone.set(job.id, failure);
    return this.withTrouble(await this.#deps.records.get(job.id));
  }

  /** A fetched picture that is not on disk. */
  unsaved(id: string): Picture | undefined {
    return this.#collection.unsaved(id);
  }

  /** Stops all work here; what the service was asked for goes on there. */
  async close(): Promise<void> {
    this.#life.abort(new Error('the server is ending'));
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
  }

  #start(id: string, isCancellable: boolean, work: (run: Run) => Promise<void>): void {
    const run: Run = {
      done: Promise.resolve(),
      // Of its own: Node warns of a signal that many wait for.
      life: AbortSignal.any([this.#life.signal]),
      cancellation: new AbortController(),
      isCancellable,
      waitReason: undefined,
    };
    this.#runs.set(id, run);
    run.done = work(run)
      .catch((error: unknown) => {
        if (error instanceof FluxError) this.#troubles.set(id, error.failure);
        if (!run.life.aborted) this.#deps.log.error('a job stopped unexpectedly', { id, error: String(error) });
      })
      .finally(() => {
        this.#runs.delete(id);
        this.#deps.records.wake(id);
        this.#slots.notify();
      });
  }

  async #runNew(order: Job, recorded: Promise<void>, run: Run): Promise<void> {
    // Why there is no record is the answer to whoever ordered.
    const isRecorded = await recorded.then(
      () => true,
      () => false,
    );
    if (isRecorded) await this.#finish(await this.#submit(order, run), { atOnce: false, isFresh: true }, run);
  }

  async #runKnown(id: string, run: Run): Promise<void> {
    const job = await this.#adopt(await this.#deps.records.get(id));
    if (job === undefined) return;
    // That it runs by now is what this is about.
    const action = this.nextAction(job, { running: false });
    if (action === 'resend') await this.#finish(await this.#submit(job, run), { atOnce: false, isFresh: false }, run);
    // It may be long finished: the first poll is at once.
    if (action === 'poll') await this.#finish(job, { atOnce: true, isFresh: false }, run);
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

  #submit(job: Job, run: Run): Promise<Job> {
    return submit(
      job,
      { ...this.#deps, slots: this.#slots, inline: this.#inline },
      {
        life: run.life,
        cancellation: run.cancellation.signal,
        resendWindowMs: this.#settings.resendWindowMs,
        onSending: () => {
          run.isCancellable = false;
        },
        onWaitReason: (waitReason) => {
          const before = run.waitReason;
          run.waitReason = waitReason;
          if (before?.reason !== waitReason?.reason) this.#deps.records.wake(job.id);
        },
      },
    );
  }

  async #finish(submitted: Job, how: How, { life }: Run): Promise<void> {
    const job = await this.#poller.follow(submitted, how);
    // Its slot is free while its picture is fetched.
    this.#slots.notify();
    if (job.state === 'completed') await this.#collection.collect(job, life);
  }
}
