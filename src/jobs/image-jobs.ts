/** The service that tools and commands talk to: order a picture, wait for it, look at it, know the limits. */
import type { Clock } from '../core/clock.ts';
import { creditRange } from '../core/credits.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { Ids } from '../core/ids.ts';
import type { ImageRequest } from '../core/image-request.ts';
import { isOver, type Job } from '../core/job.ts';
import type { Plan } from '../core/plan.ts';
import type { JobBoard } from './job-board.ts';
import { JobRunner, type RunnerParts } from './job-runner.ts';
import { type LimitsReport, limitsReport } from './limits-report.ts';

/** Progress is told at least this often, so that a host sees a living server. */
const TICK_MS = 2_000;
const FIRST_NEWS_MS = 5_000;
/** Three tries of 30 s with the delays between them; a sender that says nothing for longer has lost its way. */
const SENDING_TAKES_AT_MOST_MS = 5 * 60_000;

export type JobsSettings = { plan: Plan | 'auto'; sandbox: boolean };

export type WaitOptions = {
  waitMs: number;
  /** Ends the wait, never the job. */
  signal?: AbortSignal;
  /** Called at the start, every two seconds and at every change. */
  onTick?: (job: Job, elapsedMs: number) => void;
};

export class ImageJobs {
  readonly #parts: RunnerParts & { ids: Ids };
  readonly #settings: JobsSettings;
  readonly #board: JobBoard;
  readonly #clock: Clock;
  readonly #runner: JobRunner;

  constructor(parts: RunnerParts & { ids: Ids }, settings: JobsSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#board = parts.board;
    this.#clock = parts.clock;
    this.#runner = new JobRunner(parts);
  }

  /**
   * Orders one picture: spends credits. Answers with the record as soon as it exists; `waitFor` waits.
   * @throws FluxError when nothing can be ordered at all (no key); nothing was sent then.
   */
  async order(request: ImageRequest, options: { fileName?: string } = {}): Promise<Job> {
    const unavailable = this.#parts.provider.unavailable();
    if (unavailable !== undefined) throw new FluxError(unavailable);
    const job: Job = {
      id: this.#parts.ids.jobId(),
      idempotencyKey: this.#parts.ids.idempotencyKey(),
      request,
      ...options,
      state: 'queued',
      createdAt: this.#clock.now(),
      updatedAt: this.#clock.now(),
      owner: this.#parts.processes.self(),
      credits: { ...creditRange(request.width, request.height), exact: null },
      sandbox: this.#settings.sandbox,
    };
    await this.#board.add(job);
    this.#runner.ensure(job.id);
    return job;
  }

  /**
   * By our id or the service's. Looking at a job that rests unfinished carries it on (nothing is ordered anew), and
   * waits for the first news of it, at most `FIRST_NEWS_MS`.
   */
  async look(id: string, signal?: AbortSignal): Promise<Job | undefined> {
    const job = await this.#board.find(id);
    if (job === undefined || isOver(job) || this.#runner.isRunning(job.id)) return job;
    if (job.state === 'unknown' || this.#isInOtherHands(job)) return job;
    if (job.state === 'queued') return this.#closeUnsent(job);
    this.#runner.ensure(job.id);
    await this.#firstNews(job, signal);
    return this.#withTrouble(await this.#board.get(job.id));
  }

  async #firstNews(job: Job, signal: AbortSignal | undefined): Promise<void> {
    const until = this.#clock.monotonic() + FIRST_NEWS_MS;
    while (this.#runner.isRunning(job.id) && this.#clock.monotonic() < until) {
      const change = this.#nextChange(job.id);
      try {
        if (isNews(job, await this.#board.get(job.id))) return;
        await this.#changeOrTick(change.promise, until - this.#clock.monotonic(), signal);
      } finally {
        change.stop();
      }
    }
  }

  /**
   * Another process is sending it: its answer will be on record in a moment. Were it wrong, the same key would keep a
   * second request from being charged.
   */
  #isInOtherHands(job: Job): boolean {
    if (job.state !== 'queued' && job.state !== 'submitting') return false;
    const { pid } = this.#parts.processes.self();
    if (job.owner.pid === pid || !this.#parts.processes.isAlive(job.owner)) return false;
    return job.state === 'queued' || this.#clock.now() - job.updatedAt < SENDING_TAKES_AT_MOST_MS;
  }

  /** Its process is gone, and a record in this state says that nothing has left it. */
  #closeUnsent(job: Job): Promise<Job> {
    const failure: Failure = {
      kind: 'unreachable',
      message: 'The server that was to send this order ended before it did; nothing was sent.',
      creditsSpent: 'no',
      retry: 'later',
      remedy: 'Call generate_image again if the picture is still wanted.',
    };
    return this.#board.apply(job.id, { type: 'failed', failure, at: this.#clock.now() });
  }

  #withTrouble(job: Job): Job {
    const failure = this.#runner.isRunning(job.id) ? undefined : this.#runner.troubleOf(job.id);
    return failure === undefined || isOver(job) ? job : { ...job, failure };
  }

  /** By our id or the service's, as it is; nothing is asked of anybody. */
  find(id: string): Promise<Job | undefined> {
    return this.#board.find(id);
  }

  /** The job when it is over, when nothing more happens to it for now, or when `waitMs` have passed. */
  async waitFor(id: string, options: WaitOptions): Promise<Job> {
    const started = this.#clock.monotonic();
    for (;;) {
      const change = this.#nextChange(id);
      try {
        const job = this.#withTrouble(await this.#board.get(id));
        const elapsedMs = this.#clock.monotonic() - started;
        options.signal?.throwIfAborted();
        if (isOver(job) || !this.#runner.isRunning(id) || elapsedMs >= options.waitMs) return job;
        options.onTick?.(job, elapsedMs);
        await this.#changeOrTick(change.promise, Math.min(TICK_MS, options.waitMs - elapsedMs), options.signal);
      } finally {
        change.stop();
      }
    }
  }

  /** Newest first. */
  list(): Promise<readonly Job[]> {
    return this.#board.list();
  }

  /** The picture's bytes, saved or not; `undefined` when there are none. @throws FluxError of kind `storage_failed` */
  async readPicture(job: Job): Promise<Uint8Array | undefined> {
    return job.file === undefined ? this.#runner.unsaved(job.id)?.bytes : this.#parts.store.read(job.file);
  }

  async limits(): Promise<LimitsReport> {
    return limitsReport({
      configuredPlan: this.#settings.plan,
      window: this.#parts.provider.rateWindow(),
      balance: this.#parts.provider.lastKnownBalance()?.credits,
      jobs: await this.#board.list(),
      now: this.#clock.now(),
    });
  }

  /** Stops waiting and watching; jobs go on at the service. */
  async close(): Promise<void> {
    await this.#runner.close();
  }

  #nextChange(id: string): { promise: Promise<void>; stop: () => void } {
    let stop = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      stop = this.#board.listen(id, resolve);
    });
    return { promise, stop };
  }

  async #changeOrTick(change: Promise<void>, tickMs: number, signal: AbortSignal | undefined): Promise<void> {
    const tick = new AbortController();
    const cancel = (): void => tick.abort(signal?.reason);
    signal?.addEventListener('abort', cancel, { once: true });
    const slept = this.#clock.sleep(tickMs, tick.signal);
    try {
      await Promise.race([change, slept]);
    } finally {
      signal?.removeEventListener('abort', cancel);
      slept.catch(() => undefined);
      tick.abort();
    }
  }
}

/** A process that takes a job over changes its record, too: that is no news yet. */
function isNews(before: Job, now: Job): boolean {
  return (
    now.state !== before.state ||
    now.remoteStatus !== before.remoteStatus ||
    now.failure?.message !== before.failure?.message
  );
}
