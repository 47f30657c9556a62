/** The work on jobs, apart from the calls that wait for it: sent, polled, saved, and resumed after failures. */
import { BoundedMap, Wakeup } from '../core/primitives.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { Asked, Job, NextAction } from '../core/job.ts';
import { ageOf, isSameOwner, isSettled, nextAction, withFailure } from '../core/job.ts';
import type { How } from '../polling/polled-job.ts';
import { Poller } from '../polling/poller.ts';
import type { JobsDeps, JobsSettings } from './deps.ts';
import { type Pictures, roomLacking } from './pictures.ts';
import { Reconciler } from './reconciler.ts';
import { NO_ANSWER, OWNER_ENDED, type Sending, submit, throwUnspent, type WaitReason } from './submission.ts';

const MINUTE_MS = 60_000;
/** So often what is open is looked after without any call. */
const WATCH_EVERY_MS = 5_000;

/** The work on one job. */
type Run = Sending & {
  done: Promise<void>;
  /** Between two tries: nothing happens at the moment. */
  isIdle: boolean;
  /** Ends the pause before the next try. */
  retryNow: Wakeup;
  /** On whose behalf the next step is made. */
  asked: Asked;
};

/** @returns the job after it; `undefined`: it is in other hands */
type Step = () => Promise<Job | undefined>;

export class JobRunner {
  readonly #poller: Poller;
  readonly #runs = new Map<string, Run>();
  /** Orders that are about to be recorded. */
  readonly #recording = new Set<string>();
  /** What the last round of the reconciler has seen is not all by now. */
  #hasRecorded = false;
  #isWatching = false;
  /**
   * What stopped a run and could not be recorded, because the record itself could not be written. `isSaved`: the file of
   * a saved picture is gone, and it could not be fetched again.
   */
  readonly #troubles = new BoundedMap<string, { failure: Failure; isSaved: boolean }>(1_000);
  readonly #life = new AbortController();
  readonly reconciler: Reconciler;

  constructor(
    private readonly deps: JobsDeps,
    settings: JobsSettings,
    private readonly pictures: Pictures,
  ) {
    this.#poller = new Poller({ ...deps, pictures }, settings.webhookUrl, this.#life.signal);
    this.reconciler = new Reconciler(deps, this);
  }

  /** What is to be done about a job that is met. @param running whether this process counts as at work on it */
  async nextAction(job: Job, asked: Asked, running = this.isRunning(job.id)): Promise<NextAction> {
    const { liveness, provider } = this.deps;
    const owner = isSameOwner(job.owner, liveness.self) ? 'self' : await liveness.stateOf(job.owner);
    const age = ageOf(job, await provider.times());
    return nextAction({ state: job.state, owner, age, running, asked });
  }

  /** Whether something happens for the job at this moment. */
  isRunning(id: string): boolean {
    return this.#runs.get(id)?.isIdle === false;
  }

  /** Whether this process works on the job, at this moment or after a pause. */
  hasRun(id: string): boolean {
    return this.#runs.has(id);
  }

  /** Whether this process is about to record the order. */
  isRecording(id: string): boolean {
    return this.#recording.has(id);
  }

  /** What `work` reserves and does not record yet belongs to a process that others see at work. */
  async recording<Result>(ids: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const end = await this.deps.liveness.begin().catch(throwUnspent);
    for (const id of ids) this.#recording.add(id);
    try {
      return await work();
    } finally {
      for (const id of ids) this.#recording.delete(id);
      this.#hasRecorded = true;
      end();
    }
  }

  /** Looks after what is open for as long as something is: called with each tool call. */
  watch(): void {
    const life = this.#life.signal;
    if (this.#isWatching || life.aborted) return;
    this.#isWatching = true;
    const look = async (): Promise<void> => {
      while ((await this.reconciler.recover()) || this.#hasRecorded) {
        this.#hasRecorded = false;
        await this.deps.clock.sleep(WATCH_EVERY_MS, life);
      }
    };
    look()
      .catch(() => undefined)
      .finally(() => {
        this.#isWatching = false;
      });
  }

  waitReasonOf(id: string): WaitReason | undefined {
    return this.#runs.get(id)?.waitReason;
  }

  /** The job with the failure that could not be recorded. */
  withTrouble(job: Job): Job {
    const trouble = this.#troubles.get(job.id);
    if (trouble === undefined || job.state === 'failed' || trouble.isSaved !== (job.state === 'saved')) return job;
    const { failure } = trouble;
    if (!trouble.isSaved) return withFailure(job, failure);
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
    this.#start(job.id, true, 'order', async (run) => {
      // Why there is no record is the answer to whoever ordered.
      const isRecorded = await recorded.then(() => true).catch(() => false);
      if (isRecorded) await this.#work(job.id, run, () => this.#send(job, run, true));
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

  /** An order without an answer for an hour, which is not sent again by itself. */
  giveUp(id: string): Promise<Job> {
    return this.deps.records.apply(id, { type: 'outcome_unknown', failure: NO_ANSWER });
  }

  /** Resumes an idle job because somebody asks for it: nothing new is ordered. Waits for its first news for so long. */
  async resume(job: Job, asked: Asked, signal?: AbortSignal, newsMs = 5_000): Promise<Job> {
    const { records, store, clock } = this.deps;
    const file = job.state === 'saved' ? job.file : undefined;
    const isGone = file !== undefined && (await store.read(file).catch(() => undefined)) === undefined;
    if (isGone) return this.#fetchAgain(job);
    const action = await this.nextAction(job, asked);
    if (action === 'close_unsent') return this.closeUnsent(job);
    if (action === 'give_up') return this.giveUp(job.id);
    if (action !== 'poll' && action !== 'resend') return this.withTrouble(job);
    this.ensure(job.id, asked);
    const until = clock.monotonic() + newsMs;
    const resumed = await records.follow(job.id, signal, async (now) => {
      const leftMs = until - clock.monotonic();
      return newsOf(now) !== newsOf(job) || !this.isRunning(job.id) || leftMs <= 0 ? undefined : leftMs;
    });
    return this.withTrouble(resumed);
  }

  /** A full disk takes the few bytes of a check, but not a picture. @throws FluxError while one of this process waits for room */
  async checkRoom(signal: AbortSignal | undefined): Promise<void> {
    const ids = [...this.#runs].flatMap(([id, run]) => (run.isIdle ? id : []));
    const job = (await Promise.all(ids.map((id) => this.deps.records.find(id)))).find(roomLacking);
    const failure = job && roomLacking(await this.resume(job, 'order', signal));
    if (failure !== undefined) throw new FluxError(failure);
  }

  /** Resumes the job unless that is under way; a pause before its next try ends. */
  ensure(id: string, asked: Asked): void {
    if (this.#life.signal.aborted) return;
    const run = this.#runs.get(id);
    if (run !== undefined) {
      run.asked = asked;
      run.isIdle = false;
      run.retryNow.wake();
      return;
    }
    this.#start(id, false, asked, (started) => this.#work(id, started, () => this.#step(id, started)));
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
    await this.reconciler.settled();
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
  }

  #start(id: string, isCancellable: boolean, asked: Asked, work: (run: Run) => Promise<void>): void {
    const { clock, liveness, records, log } = this.deps;
    const run: Run = {
      done: Promise.resolve(),
      // Of its own: Node warns of a signal that many wait for.
      life: AbortSignal.any([this.#life.signal]),
      cancellation: new AbortController(),
      isCancellable,
      waitReason: undefined,
      slotFreed: new Wakeup(clock),
      isIdle: false,
      retryNow: new Wakeup(clock),
      asked,
    };
    this.#runs.set(id, run);
    const whileAlive = async (): Promise<void> => {
      const end = await liveness.begin();
      await work(run).finally(end);
    };
    run.done = whileAlive()
      .catch((error: unknown) => {
        if (error instanceof FluxError) this.#troubles.set(id, { failure: error.failure, isSaved: false });
        if (!run.life.aborted) log.error('a job stopped unexpectedly', { id, error: String(error) });
      })
      .finally(() => {
        this.#runs.delete(id);
        records.wake(id);
        this.#slotsMayBeFree();
      });
  }

  #slotsMayBeFree(): void {
    for (const { slotFreed } of this.#runs.values()) slotFreed.wake();
  }

  /** Goes on with a job until it has ended, or nothing more is to be done for it, with a pause after each failed try. */
  async #work(id: string, run: Run, firstStep: Step): Promise<void> {
    let step = firstStep;
    for (let attempt = 1; ; attempt += 1) {
      const pauseMs = await this.#pauseAfter(id, run, step, attempt);
      if (pauseMs === undefined) return;
      run.isIdle = true;
      run.asked = false;
      this.deps.records.wake(id);
      // Whoever asks for it meanwhile does not wait for the end of the pause.
      if (await run.retryNow.wait(pauseMs, run.life)) attempt = 0;
      run.isIdle = false;
      step = () => this.#step(id, run);
    }
  }

  /** @returns milliseconds until the next try; `undefined`: there is none */
  async #pauseAfter(id: string, run: Run, step: Step, attempt: number): Promise<number | undefined> {
    try {
      const job = await step();
      this.#troubles.delete(id);
      if (job === undefined || isSettled(job) || job.state === 'unknown' || job.failure === undefined) return undefined;
      const obeyedMs = (job.failure.retryAfterSeconds ?? 0) * 1_000;
      return Math.max(obeyedMs, pauseMs(job, attempt));
    } catch (error) {
      if (run.life.aborted || !(error instanceof FluxError) || error.failure.kind !== 'storage_failed') throw error;
      // What the disk refuses today it may take in a minute.
      this.#troubles.set(id, { failure: error.failure, isSaved: false });
      return Math.min(1_000 * 2 ** attempt, MINUTE_MS);
    }
  }

  /** The next step of a job by its record. */
  async #step(id: string, run: Run): Promise<Job | undefined> {
    const job = await this.#adopted(id);
    if (job === undefined) return undefined;
    // That it runs by now is what this is about.
    const action = await this.nextAction(job, run.asked, false);
    if (action === 'resend') return this.#send(job, run, false);
    if (action === 'poll') return this.#finish(job, { atOnce: true, isFresh: false }, run);
    if (action === 'give_up') return this.giveUp(id);
    return undefined;
  }

  /** @returns `undefined` when another process was faster */
  async #adopted(id: string): Promise<Job | undefined> {
    const { records, liveness } = this.deps;
    const job = await records.get(id);
    if (isSameOwner(job.owner, liveness.self)) return job;
    // The job of a process that lives is polled here as well, and stays in its hands. Nobody works on one of unknown outcome.
    if (job.state !== 'unknown' && (await liveness.stateOf(job.owner)) === 'alive') return job;
    const adopted = await records.apply(id, { type: 'adopted', from: job.owner, owner: liveness.self });
    return isSameOwner(adopted.owner, liveness.self) ? adopted : undefined;
  }

  async #send(job: Job, run: Run, isFresh: boolean): Promise<Job> {
    const deps = {
      ...this.deps,
      pictures: this.pictures,
      isForced: run.asked === 'resume',
      reconcile: async () => void (await this.reconciler.recover()),
      onUnrecorded: (failure: Failure) => {
        this.#troubles.set(job.id, { failure, isSaved: false });
        this.deps.records.wake(job.id);
      },
    };
    const sent = await submit(job, deps, run);
    this.#troubles.delete(job.id);
    if (sent.secondRemoteId !== undefined) {
      const message = 'The service made two jobs of one order: it does not honour idempotency keys';
      this.deps.log.error(message, { id: job.id });
      await this.deps.keys.noteIgnored();
    }
    return sent.state === 'submitting' ? sent : this.#finish(sent, { atOnce: false, isFresh }, run);
  }

  async #finish(submitted: Job, how: How, { life }: Run): Promise<Job> {
    const job = await this.#poller.follow(submitted, how);
    // Its slot is free while its picture is fetched.
    this.#slotsMayBeFree();
    if (job.state !== 'completed') return job;
    const failure = await this.pictures.save(job, life);
    const { records } = this.deps;
    return failure === undefined ? records.get(job.id) : records.apply(job.id, { type: 'blocked', failure });
  }
}

/** A process that takes a job over changes its record, too: that is no news yet. */
const newsOf = ({ state, remoteStatus, failure }: Job): string => JSON.stringify([state, remoteStatus, failure]);

/** Milliseconds before a job that could not go on is tried once more. */
function pauseMs({ state }: Job, attempt: number): number {
  if (state === 'completed') return Math.min(2 ** (attempt - 1), 60) * MINUTE_MS;
  return Math.min(10_000 * 2 ** (attempt - 1), 10 * MINUTE_MS);
}
