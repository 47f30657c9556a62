/** The service that tools and commands talk to: order a picture, wait for it, look at it, know the limits. */
import type { Clock } from '../core/clock.ts';
import type { CreditRange } from '../core/credits.ts';
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { Gate } from '../core/gate.ts';
import type { Ids } from '../core/ids.ts';
import type { ImageRequest } from '../core/image-request.ts';
import { isOver, type Job, type JobTimes } from '../core/job.ts';
import { checkCall, quoteOf } from './budget.ts';
import { type ConsentInput, consentTo } from './consent.ts';
import type { JobBoard } from './job-board.ts';
import { JobRunner, type RunnerParts } from './job-runner.ts';
import { type LimitsReport, limitsReport } from './limits-report.ts';
import { type Ordered, type OrderOptions, Orders, type OrdersSettings } from './orders.ts';
import { Recovery } from './recovery.ts';
import type { Hold } from './submission.ts';
import { webhookTarget } from './webhook-target.ts';

/** Progress is told at least this often, so that a host sees a living server. */
const TICK_MS = 2_000;
const FIRST_NEWS_MS = 5_000;
/** Jobs of earlier processes are looked after at most so often. */
const SWEEP_EVERY_MS = 2_500;
/** Changes made by another process show in the record only. */
const LOOK_ELSEWHERE_MS = 500;

export type JobsSettings = JobTimes & OrdersSettings;

export type JobsParts = RunnerParts & { ids: Ids; gate: Gate };

export type WaitOptions = {
  waitMs: number;
  /** Ends the wait, never the job. */
  signal?: AbortSignal;
  /** Called at the start, every two seconds and at every change; `hold`: why the order has not been sent yet. */
  onTick?: (job: Job, elapsedMs: number, hold: Hold | undefined) => void;
};

export class ImageJobs {
  readonly #parts: JobsParts;
  readonly #board: JobBoard;
  readonly #clock: Clock;
  readonly #runner: JobRunner;
  readonly #recovery: Recovery;
  readonly #orders: Orders;
  /** Why saved pictures whose files are gone could not be fetched again. */
  readonly #gone = new Map<string, Failure>();
  readonly settings: JobsSettings;
  #swept = { at: Number.NEGATIVE_INFINITY, done: Promise.resolve() };

  constructor(parts: JobsParts, settings: JobsSettings) {
    this.#parts = parts;
    this.settings = settings;
    this.#board = parts.board;
    this.#clock = parts.clock;
    this.#runner = new JobRunner(parts, settings, () => this.#sweep());
    this.#recovery = new Recovery({ ...parts, runner: () => this.#runner }, settings);
    this.#orders = new Orders({ ...parts, recovery: this.#recovery, runner: this.#runner }, settings);
  }

  /**
   * What a call for these pictures may cost, after a look at the bounds of one call.
   * @param accepted what the caller said it accepts to spend
   * @throws FluxError of kind `over_budget`, or when nothing can be ordered at all (no key)
   */
  quote(requests: readonly ImageRequest[], accepted: number | undefined): CreditRange {
    const unavailable = this.#parts.provider.unavailable();
    if (unavailable !== undefined) throw new FluxError(unavailable);
    const quote = quoteOf(requests);
    checkCall(quote, this.settings, accepted);
    return quote;
  }

  /** Where the end of a job is announced if a caller asks for `url`. @throws FluxError of kind `bad_input` */
  webhookTarget(url: string): string {
    return webhookTarget(url, this.settings.webhookUrl);
  }

  /** Whether that may be spent without asking. @throws FluxError of kind `not_confirmed` */
  consentTo(input: ConsentInput): 'granted' | 'ask' {
    return consentTo(input, this.settings);
  }

  /** The job that such a request would only repeat, carried on; nothing is ordered anew. */
  async repeat(request: ImageRequest, signal?: AbortSignal): Promise<Job | undefined> {
    const twin = await this.#orders.twinOf(request);
    return twin === undefined ? undefined : this.#carryOn(twin, signal);
  }

  /**
   * Orders one picture: spends credits. Answers with the record as soon as it exists; `waitFor` waits. An equal
   * request that is under way or has just ended is not ordered again.
   * @throws FluxError when nothing can be ordered (no key, over budget, a webhook elsewhere); nothing was sent then.
   */
  async order(request: ImageRequest, options: OrderOptions = {}): Promise<Ordered> {
    const unavailable = this.#parts.provider.unavailable();
    if (unavailable !== undefined) throw new FluxError(unavailable);
    const { webhookUrl, ...rest } = options;
    const announced = webhookUrl === undefined ? rest : { ...rest, webhookUrl: this.webhookTarget(webhookUrl) };
    const ordered = await this.#orders.take(request, announced);
    if (ordered.duplicate) return { job: await this.#carryOn(ordered.job), duplicate: true };
    // What other processes have left behind is looked after by whoever orders next; this call does not wait for it.
    void this.#sweep();
    return ordered;
  }

  /** One look serves all who order or wait here: each would read the record of every order that is open. */
  #sweep(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#swept.at >= SWEEP_EVERY_MS) this.#swept = { at: now, done: this.#sweepNow() };
    return this.#swept.done;
  }

  async #sweepNow(): Promise<void> {
    try {
      await this.#recovery.sweep({ carryOn: true });
    } catch (error) {
      this.#parts.log.warn('jobs of earlier processes could not be looked after', { error: String(error) });
    }
  }

  /** Takes an order back that has not been sent and that nobody else waits for. One that was sent goes on. */
  withdraw(id: string): void {
    if (this.#board.listeners(id) === 0) this.#runner.withdraw(id);
  }

  /**
   * By our id or the service's. Looking at a job that rests unfinished carries it on (nothing is ordered anew), and
   * waits for the first news of it, at most `FIRST_NEWS_MS`.
   */
  async look(id: string, signal?: AbortSignal): Promise<Job | undefined> {
    const job = await this.#board.find(id);
    return job === undefined ? undefined : this.#carryOn(job, signal);
  }

  async #carryOn(job: Job, signal?: AbortSignal): Promise<Job> {
    if (job.state === 'saved' && job.file !== undefined && !(await this.#parts.store.has(job.file)))
      return this.#fetchAgain(job);
    if (isOver(job) || this.#runner.isRunning(job.id)) return job;
    if (job.state === 'unknown' || this.#recovery.isInOtherHands(job)) return job;
    if (job.state === 'queued') return this.#recovery.closeUnsent(job);
    this.#runner.ensure(job.id);
    await this.#firstNews(job, signal);
    return this.#withTrouble(await this.#board.get(job.id));
  }

  /** Somebody has moved or removed the file: the picture is fetched again, without a new charge. */
  async #fetchAgain(job: Job): Promise<Job> {
    const failure = await this.#runner.fetchAgain(job);
    if (failure === undefined) this.#gone.delete(job.id);
    else this.#gone.set(job.id, failure);
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

  #withTrouble(job: Job): Job {
    const gone = job.state === 'saved' ? this.#gone.get(job.id) : undefined;
    if (gone !== undefined) {
      const { file: _, ...rest } = job;
      return { ...rest, state: 'completed', failure: gone };
    }
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
    let elsewhere = false;
    let resumed = false;
    for (;;) {
      const change = this.#nextChange(id);
      try {
        const job = this.#withTrouble(await this.#board.get(id));
        const elapsedMs = this.#clock.monotonic() - started;
        options.signal?.throwIfAborted();
        elsewhere = this.#recovery.isInOtherHands(job);
        // Whoever sent it may end before it is finished: from the answer on it is watched and fetched here as well.
        if (!resumed && !elsewhere && this.#restsUnhindered(job)) {
          resumed = true;
          this.#runner.ensure(id);
        }
        const moves = elsewhere || this.#runner.isRunning(id);
        if (isOver(job) || this.#gone.has(id) || !moves || elapsedMs >= options.waitMs) return job;
        options.onTick?.(job, elapsedMs, this.#runner.holdOf(id));
        const tickMs = elsewhere ? LOOK_ELSEWHERE_MS : TICK_MS;
        await this.#changeOrTick(change.promise, Math.min(tickMs, options.waitMs - elapsedMs), options.signal);
      } finally {
        change.stop();
      }
    }
  }

  #restsUnhindered(job: Job): boolean {
    const atService = job.state === 'processing' || job.state === 'completed';
    return atService && job.failure === undefined && !this.#runner.isRunning(job.id);
  }

  /** Newest first. */
  list(): Promise<readonly Job[]> {
    return this.#board.list();
  }

  /** The picture's bytes, saved or not; `undefined` when there are none. @throws FluxError of kind `storage_failed` */
  async readPicture(job: Job): Promise<Uint8Array | undefined> {
    return job.file === undefined ? this.#runner.unsaved(job.id)?.bytes : this.#parts.store.read(job.file);
  }

  /** @param refresh asks the service for the headers of an answer first: one request, no credits. @throws FluxError */
  async limits(refresh?: AbortSignal): Promise<LimitsReport> {
    if (refresh !== undefined) await this.#parts.provider.refresh(refresh);
    await this.#recovery.sweep({ carryOn: false });
    return limitsReport(await this.#parts.gate.state(), this.settings, this.#clock.now());
  }

  /** The last known balance, when it is below the alert. */
  async lowBalance(): Promise<number | undefined> {
    const { traffic } = await this.#parts.gate.state();
    const credits = traffic.balance?.credits;
    return credits !== undefined && credits < this.settings.lowCreditsAlert ? credits : undefined;
  }

  /** Carries on every job that rests unfinished; one that cannot be carried on keeps no other from it. */
  async resumeAll(): Promise<readonly Job[]> {
    const open = (await this.#board.list()).filter((job) => !isOver(job) && job.state !== 'unknown');
    return Promise.all(
      open.map((job) =>
        this.#carryOn(job).catch((error: unknown) => ({
          ...job,
          failure: failureOf(error, { message: String(error), creditsSpent: 'maybe', retry: 'later' }),
        })),
      ),
    );
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
