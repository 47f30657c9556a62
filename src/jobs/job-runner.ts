/** The work on jobs, apart from the calls that wait for it: sent, polled, saved, resumed, and recovered from dead processes. */
import { BoundedMap, Wakeup } from '../core/primitives.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import {
  isFinishedRemotely,
  isSameOwner,
  type Job,
  type MetJob,
  type NextAction,
  nextAction,
  ownerOf,
} from '../core/job.ts';
import type { Reservation } from '../limits/reservations.ts';
import type { How } from '../polling/polled-job.ts';
import { Poller } from '../polling/poller.ts';
import type { JobsDeps, JobsSettings } from './deps.ts';
import type { Pictures } from './pictures.ts';
import { OWNER_ENDED, submit, type WaitReason } from './submission.ts';

/** Jobs of dead processes are looked for at most so often. */
const RECOVER_EVERY_MS = 2_500;
/** An order is recorded right after it was admitted; without a record for so long, it never will be. */
const RECORDING_TAKES_AT_MOST_MS = 60_000;
/** How often one job is resumed without anybody asking for it. */
const RESUME_EVERY_MS = 30_000;

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
  slotFreed: Wakeup;
};

export class JobRunner {
  readonly #poller: Poller;
  readonly #runs = new Map<string, Run>();
  /**
   * What stopped a run and could not be recorded, because the record itself could not be written. `isSaved`: the file of
   * a saved picture is gone, and it could not be fetched again.
   */
  readonly #troubles = new Map<string, { failure: Failure; isSaved: boolean }>();
  readonly #life = new AbortController();
  #recovered = { at: Number.NEGATIVE_INFINITY, done: Promise.resolve() };
  readonly #resumedAt = new BoundedMap<string, number>(1_000);

  constructor(
    private readonly deps: JobsDeps,
    private readonly settings: JobsSettings,
    private readonly pictures: Pictures,
  ) {
    this.#poller = new Poller({ ...deps, pictures }, settings, this.#life.signal);
  }

  /** What is to be done about a job that a caller asks for here and now, unless `met` says otherwise. */
  nextAction(job: Job, met: Partial<MetJob> = {}): NextAction {
    const { processes, clock } = this.deps;
    const owner = ownerOf(job, processes, clock.now());
    const running = this.isRunning(job.id);
    return nextAction({ state: job.state, owner, age: 'recent', running, asked: true, ...met });
  }

  isRunning(id: string): boolean {
    return this.#runs.has(id);
  }

  waitReasonOf(id: string): WaitReason | undefined {
    return this.#runs.get(id)?.waitReason;
  }

  /** The job with the failure that could not be recorded. */
  withTrouble(job: Job): Job {
    const trouble = this.isRunning(job.id) ? undefined : this.#troubles.get(job.id);
    if (trouble === undefined || job.state === 'failed' || trouble.isSaved !== (job.state === 'saved')) return job;
    const { failure } = trouble;
    if (!trouble.isSaved) return { ...job, failure };
    const { file: _, ...rest } = job;
    return { ...rest, state: 'completed', failure };
  }

  /**
   * Records a new order and sends it. It counts as running from the first moment: its record may be seen before this is
   * done, and must not be taken for one that was left behind.
   */
  begin(job: Job): Promise<void> {
    const recorded = this.deps.records.add(job);
    // From here on: a call that is cancelled meanwhile takes its order back.
    this.#start(job.id, true, async (run) => {
      // Why there is no record is the answer to whoever ordered.
      const isRecorded = await recorded.then(() => true).catch(() => false);
      if (isRecorded) await this.#finish(await this.#submit(job, run), { atOnce: false, isFresh: true }, run);
    });
    return recorded;
  }

  /** Takes an order back that has not been sent. One that was sent goes on. */
  cancelUnsent(id: string): void {
    const run = this.#runs.get(id);
    if (run?.isCancellable) run.cancellation.abort(new Error('the order was taken back'));
  }

  /** Closes an order that was never sent, and that nobody will send. */
  closeUnsent(job: Job): Promise<Job> {
    const { records, clock } = this.deps;
    return records.apply(job.id, { type: 'abandoned', failure: OWNER_ENDED, at: clock.now() });
  }

  /** Resumes an idle job because somebody asks for it: nothing new is ordered. Waits for its first news, at most 5 s. */
  async resume(job: Job, signal?: AbortSignal): Promise<Job> {
    const { records, store, clock } = this.deps;
    const file = job.state === 'saved' ? job.file : undefined;
    const isGone = file !== undefined && (await store.read(file).catch(() => undefined)) === undefined;
    if (isGone) return this.#fetchAgain(job);
    const action = this.nextAction(job);
    if (action === 'close_unsent') return this.closeUnsent(job);
    if (action === 'none' || action === 'wait') return job;
    this.ensure(job.id);
    const until = clock.monotonic() + 5_000;
    const resumed = await records.follow(job.id, signal, async (now) => {
      const leftMs = until - clock.monotonic();
      return newsOf(now) !== newsOf(job) || !this.isRunning(job.id) || leftMs <= 0 ? undefined : leftMs;
    });
    return this.withTrouble(resumed);
  }

  /** Resumes the job unless that is under way. */
  ensure(id: string): void {
    if (this.isRunning(id) || this.#life.signal.aborted) return;
    this.#troubles.delete(id);
    this.#start(id, false, async (run) => {
      const job = await this.#adopted(id);
      if (job === undefined) return;
      // That it runs by now is what this is about.
      const action = this.nextAction(job, { running: false });
      if (action === 'resend') await this.#finish(await this.#submit(job, run), { atOnce: false, isFresh: false }, run);
      if (action === 'poll') await this.#finish(job, { atOnce: true, isFresh: false }, run);
    });
  }

  /** Somebody has moved or removed the file of a saved picture: it is fetched again, without a new charge. */
  async #fetchAgain(job: Job): Promise<Job> {
    const failure = await this.pictures.save(job, AbortSignal.any([this.#life.signal]));
    if (failure === undefined) this.#troubles.delete(job.id);
    else this.#troubles.set(job.id, { failure, isSaved: true });
    return this.withTrouble(await this.deps.records.get(job.id));
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
      slotFreed: new Wakeup(this.deps.clock),
    };
    this.#runs.set(id, run);
    run.done = work(run)
      .catch((error: unknown) => {
        if (error instanceof FluxError) this.#troubles.set(id, { failure: error.failure, isSaved: false });
        if (!run.life.aborted) this.deps.log.error('a job stopped unexpectedly', { id, error: String(error) });
      })
      .finally(() => {
        this.#runs.delete(id);
        this.deps.records.wake(id);
        this.#slotsMayBeFree();
      });
  }

  #slotsMayBeFree(): void {
    for (const { slotFreed } of this.#runs.values()) slotFreed.wake();
  }

  /** @returns `undefined` when another process was faster */
  async #adopted(id: string): Promise<Job | undefined> {
    const { records, processes, clock } = this.deps;
    const self = processes.self();
    const job = await records.get(id);
    // The job of a process that lives is polled here as well, and stays in its hands.
    if (ownerOf(job, processes, clock.now()) !== 'silent') return job;
    const adopted = await records.apply(id, { type: 'adopted', from: job.owner, owner: self });
    return isSameOwner(adopted.owner, self) ? adopted : undefined;
  }

  #submit(job: Job, run: Run): Promise<Job> {
    const deps = { ...this.deps, pictures: this.pictures, reconcile: () => this.recover() };
    return submit(job, deps, {
      life: run.life,
      cancellation: run.cancellation.signal,
      slotFreed: run.slotFreed,
      resendWindowMs: this.settings.resendWindowMs,
      onSending: () => {
        run.isCancellable = false;
      },
      onWaitReason: (waitReason) => {
        const before = run.waitReason;
        run.waitReason = waitReason;
        if (before?.reason !== waitReason?.reason) this.deps.records.wake(job.id);
      },
    });
  }

  async #finish(submitted: Job, how: How, { life }: Run): Promise<void> {
    const job = await this.#poller.follow(submitted, how);
    // Its slot is free while its picture is fetched.
    this.#slotsMayBeFree();
    if (job.state !== 'completed') return;
    const failure = await this.pictures.save(job, life);
    if (failure !== undefined) await this.deps.records.apply(job.id, { type: 'blocked', failure });
  }

  /** Recovers jobs whose process is gone. One round serves all who order or wait for a slot here. Never rejects. */
  recover(): Promise<void> {
    const { clock, log } = this.deps;
    const now = clock.monotonic();
    if (now - this.#recovered.at >= RECOVER_EVERY_MS) {
      const done = this.reconcile({ resume: true }).catch((error: unknown) => {
        log.warn('jobs of earlier processes could not be recovered', { error: String(error) });
      });
      this.#recovered = { at: now, done };
    }
    return this.#recovered.done;
  }

  /**
   * Brings the reservations in line with the records: orders that ended, orders that were never recorded or never sent.
   * @param options `resume`: jobs that may be paid for are submitted again under their own key, or polled again
   */
  async reconcile({ resume }: { resume: boolean }): Promise<void> {
    for (const entry of await this.#openReservations()) {
      // One record that cannot be changed must not keep all others from being recovered.
      await this.#bringInLine(entry, resume).catch((error: unknown) => {
        this.deps.log.warn('an order could not be recovered', { id: entry.id, error: String(error) });
      });
    }
  }

  /** Whether an order that has no record yet is about to get one. */
  async awaitsRecord(id: string): Promise<boolean> {
    return (await this.#openReservations()).some((entry) => entry.id === id && this.#isBeingRecorded(entry));
  }

  async #openReservations(): Promise<readonly Reservation[]> {
    const { reservations } = await this.deps.limits.state();
    return reservations.entries.filter(({ end }) => end === undefined);
  }

  #isBeingRecorded({ at, owner }: Reservation): boolean {
    const { clock, processes } = this.deps;
    return Math.abs(clock.now() - at) <= RECORDING_TAKES_AT_MOST_MS && processes.isAlive(owner);
  }

  async #bringInLine(entry: Reservation, resume: boolean): Promise<void> {
    const { limits, records, clock } = this.deps;
    const job = await records.recorded(entry.id);
    // Asked after the record: an order of this process is at work before its record can be seen.
    if (this.isRunning(entry.id)) return;
    if (job === undefined) {
      if (entry.slotAt !== undefined) await limits.lose(entry.id);
      else if (!this.#isBeingRecorded(entry)) await limits.drop(entry.id);
      return;
    }
    if (isFinishedRemotely(job) || job.state === 'unknown') return limits.note(job);
    // From when it got its slot: it may have waited for long before, and failed polls of it are no news.
    const isStalled = clock.now() - (entry.slotAt ?? job.createdAt) > this.settings.stalledAfterMs;
    const action = this.nextAction(job, { asked: false, age: isStalled ? 'stalled' : 'recent' });
    if (action === 'close_unsent') return void (await this.closeUnsent(job));
    // One without news or without an answer must not keep all others waiting: the service is taken to be done with it.
    // It is resumed another time, so that an order that waits gets the slot first.
    if (isStalled && entry.slot) return limits.releaseSlot(job.id);
    if (!resume || (action !== 'poll' && action !== 'resend')) return;
    const now = clock.monotonic();
    if (now - (this.#resumedAt.get(job.id) ?? Number.NEGATIVE_INFINITY) < RESUME_EVERY_MS) return;
    this.#resumedAt.set(job.id, now);
    this.ensure(job.id);
  }
}

/** A process that takes a job over changes its record, too: that is no news yet. */
const newsOf = ({ state, remoteStatus, failure }: Job): string => JSON.stringify([state, remoteStatus, failure]);
