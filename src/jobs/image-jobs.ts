/** The job service, for tools and commands: order pictures, wait for them, check them, see them, know the limits. */
import { FluxError, failureOf } from '../core/failure.ts';
import type { Order } from '../core/image-request.ts';
import { isSameOwner, isSettled, type Job, withFailure } from '../core/job.ts';
import { type JobPage, type PageOptions, pageOfJobs } from '../core/job-store.ts';
import { type LimitsReport, limitsReport } from '../limits/limits-report.ts';
import { PLAN_LIMITS } from '../limits/plan.ts';
import { DAY_MS, totalsOf } from '../limits/reservations.ts';
import { type Durations, expectedMs } from '../polling/durations.ts';
import type { JobsDeps, JobsSettings } from './deps.ts';
import { JobRunner } from './job-runner.ts';
import { type Ordered, Orders, type Proposal, type ProposeOptions, type ReadyProposal } from './orders.ts';
import { OtherKeys } from './other-keys.ts';
import { Pictures } from './pictures.ts';
import { USER_CANCELLED, type WaitReason } from './submission.ts';

/** Progress is reported at least this often, so that a host sees a living server. */
const TICK_MS = 2_000;

/** How far a job is: `fraction` in [0, 1) grows with its age, `leftMs` is what is expected to be left. */
export type Eta = { fraction: number; leftMs: number };

/** Of one job, while it is waited for. `waitReason`: why the order has not been sent yet. */
export type Progress = {
  job: Job;
  elapsedMs: number;
  waitReason: WaitReason | undefined;
  etaNow: () => Promise<Eta>;
};

export type WaitOptions = {
  waitMs: number;
  /** Ends the wait, never the job. */
  signal?: AbortSignal;
  /** Called at the start, every two seconds and at every change. */
  onTick?: (progress: Progress) => void | Promise<void>;
};

export type BatchProgress = {
  /** Jobs that have ended, with a picture or without. */
  done: number;
  total: number;
  /** In [0, 1); grows. */
  fraction: number;
  /** Milliseconds until all of them have ended, as far as can be foreseen by the plan's slots. */
  leftMs: number;
};

export type BatchWaitOptions = Omit<WaitOptions, 'onTick'> & {
  onTick?: ((progress: BatchProgress) => void) | undefined;
};

export class ImageJobs {
  readonly pictures: Pictures;
  readonly #runner: JobRunner;
  readonly #orders: Orders;
  readonly otherKeys: OtherKeys;
  /** An answer has named what was given up. */
  #hasNamed = false;

  constructor(
    private readonly deps: JobsDeps,
    readonly settings: JobsSettings,
  ) {
    this.pictures = new Pictures(deps);
    this.#runner = new JobRunner(deps, settings, this.pictures);
    this.otherKeys = new OtherKeys(deps, settings);
    this.#orders = new Orders(deps, settings, this.#runner, this.otherKeys);
  }

  /** See `Orders`, also for `commit`. */
  propose(orders: readonly Order[], options: ProposeOptions): Promise<Proposal> {
    return this.#orders.propose(orders, options);
  }

  /** Spends credits. */
  commit(proposal: ReadyProposal, signal?: AbortSignal): Promise<readonly Ordered[]> {
    return this.#orders.commit(proposal, signal);
  }

  /** Takes an order back that has not been sent and that nobody else waits for. One that was sent goes on. */
  cancelUnsent(id: string): void {
    if (this.deps.records.listeners(id) === 0) this.#runner.cancelUnsent(id);
  }

  /** The same for the user, whichever process is to send it. @returns the job after it */
  cancel(id: string): Promise<Job> {
    const { records, clock } = this.deps;
    return records.apply(id, { type: 'abandoned', failure: USER_CANCELLED, at: clock.now() });
  }

  /** Their call was given up: nobody has seen what became of them. Never rejects. */
  noteGivenUp(ids: readonly string[]): Promise<void> {
    const rule = (before: readonly string[]) => [...new Set([...ids, ...before])].slice(0, 100);
    return this.deps.givenUp.update(rule).catch(() => undefined);
  }

  /**
   * @param shown an answer shows them
   * @param isNamed whether it can name others
   * @returns at most three others of the last day whose call was given up; once in a process
   */
  async missed(shown: readonly Job[], isNamed: boolean): Promise<readonly Job[]> {
    const { givenUp, records, clock } = this.deps;
    const known = await givenUp.read();
    const seen = shown.filter((job) => known.includes(job.id) && isSettled(job)).map(({ id }) => id);
    if (seen.length > 0) await givenUp.update((before) => before.filter((id) => !seen.includes(id)));
    if (!isNamed || this.#hasNamed) return [];
    const missed: Job[] = [];
    for (const id of known.filter((one) => !shown.some((job) => job.id === one))) {
      const job = await records.find(id);
      const isRecent = job && Math.abs(clock.now() - job.createdAt) < DAY_MS;
      if (isRecent && job.failure?.creditsSpent !== 'no' && missed.length < 3) missed.push(job);
    }
    this.#hasNamed = missed.length > 0;
    return missed;
  }

  /** From now on what nobody works on is looked after in the background, as long as something is open. */
  watch(): void {
    this.#runner.watch();
  }

  /** By our id or the service's. An idle unfinished job is resumed, without a new order, and its first news waited for. */
  async check(id: string, signal?: AbortSignal, newsMs?: number): Promise<Job | undefined> {
    const job = await this.find(id);
    // Of its own: a call may check fifty, and Node warns of a signal that many wait for.
    return job && this.#runner.resume(job, 'read', signal && AbortSignal.any([signal]), newsMs);
  }

  /** As it is on record; nothing is asked of anybody. */
  find(id: string): Promise<Job | undefined> {
    return this.deps.records.find(id);
  }

  /** See `pageOfJobs`. */
  page(options: PageOptions): Promise<JobPage | undefined> {
    return pageOfJobs(this.deps.records.store, options);
  }

  /** Those that are neither saved nor failed, newest first. */
  open(): Promise<readonly Job[]> {
    return this.deps.records.store.open();
  }

  /** Resumes every idle unfinished job; one that cannot be resumed keeps no other from it. */
  async resumeAll(): Promise<readonly Job[]> {
    const resumed = (await this.open()).map((job) =>
      this.#runner.resume(job, 'resume').catch((error: unknown) => {
        return { ...job, failure: failureOf(error, 'order', { creditsSpent: 'maybe', retry: 'later' }) };
      }),
    );
    return Promise.all(resumed);
  }

  /** The job when it has ended, when nothing more happens to it for now, or when `waitMs` have passed. */
  async waitFor(id: string, { waitMs, signal, onTick }: WaitOptions): Promise<Job> {
    const { records, clock, liveness } = this.deps;
    const runner = this.#runner;
    const began = clock.monotonic();
    let mayResume = true;
    let reportedAt = Number.NEGATIVE_INFINITY;
    let latest: Job | undefined;
    const check = async (recorded: Job): Promise<number | undefined> => {
      const job = runner.withTrouble(recorded);
      latest = job;
      const action = await runner.nextAction(job, 'read');
      if (mayResume && action === 'poll' && job.failure === undefined) {
        mayResume = false;
        runner.ensure(id, 'read');
      }
      // Its process has gone silent while it was waited for.
      if (action === 'close_unsent' && !isSameOwner(job.owner, liveness.self)) {
        await runner.closeUnsent(job);
        return 100;
      }
      const isMoving = action === 'wait' || runner.isRunning(id);
      const elapsedMs = clock.monotonic() - began;
      if (isSettled(job) || !isMoving || elapsedMs >= waitMs) return undefined;

      // Its process may learn of its end sooner than this one, and only writes it to the record.
      const isOthers = !isSameOwner(job.owner, liveness.self);
      // That the record was read again after 100 ms is not reported as progress.
      if (!isOthers || clock.monotonic() - reportedAt >= TICK_MS) {
        reportedAt = clock.monotonic();
        await onTick?.({ job, elapsedMs, waitReason: runner.waitReasonOf(id), etaNow: () => this.#etaOf(job) });
      }
      return Math.min(isOthers ? 100 : TICK_MS, waitMs - elapsedMs);
    };
    try {
      return runner.withTrouble(await records.follow(id, signal, check));
    } catch (error) {
      // Its record cannot be read at the moment: whoever waits learns of the job what was known last.
      if (signal?.aborted || !(error instanceof FluxError) || latest === undefined) throw error;
      return withFailure(latest, error.failure);
    }
  }

  /** The same for several at once, in the order of their ids. */
  waitForAll(ids: readonly string[], { waitMs, signal, onTick }: BatchWaitOptions): Promise<readonly Job[]> {
    const { clock } = this.deps;
    const latest = new Map<string, Job>();
    let reported = { at: Number.NEGATIVE_INFINITY, done: -1 };
    const report = async (id: string, job: Job): Promise<void> => {
      latest.set(id, job);
      const jobs = ids.flatMap((known) => latest.get(known) ?? []);
      const done = jobs.filter(isSettled).length;
      // Before all of them were seen once, and after the end, there is nothing to report.
      if (onTick === undefined || jobs.length < ids.length || done === ids.length) return;
      if (done === reported.done && clock.monotonic() - reported.at < 500) return;
      reported = { at: clock.monotonic(), done };
      onTick(await this.#progressOf(jobs));
    };
    const waitOne = async (id: string): Promise<Job> => {
      const onOneTick = ({ job }: { job: Job }): void => void report(id, job).catch(() => undefined);
      // One of its own for each: fifty listeners on the signal of the call would be taken for a leak.
      const own = signal && { signal: AbortSignal.any([signal]) };
      const job = await this.waitFor(id, { waitMs, onTick: onOneTick, ...own });
      onOneTick({ job });
      return job;
    };
    return Promise.all(ids.map(waitOne));
  }

  async #etaOf({ request, acceptedAt }: Job): Promise<Eta> {
    const { durations, clock } = this.deps;
    const now = clock.now();
    return eta(await durations.recall(request), Math.max(0, now - (acceptedAt ?? now)));
  }

  async #progressOf(jobs: readonly Job[]): Promise<BatchProgress> {
    const etas = await Promise.all(jobs.filter((job) => !isSettled(job)).map((job) => this.#etaOf(job)));
    const { plan } = await this.deps.limits.state();
    const slots = PLAN_LIMITS[plan].concurrentJobs ?? Number.POSITIVE_INFINITY;
    const done = jobs.length - etas.length;
    const sumOfFractions = etas.reduce((sum, { fraction }) => sum + fraction, done);
    const sumMs = etas.reduce((sum, { leftMs }) => sum + leftMs, 0);
    const leftMs = Math.max(sumMs / slots, ...etas.map((one) => one.leftMs));
    return { done, total: jobs.length, fraction: sumOfFractions / jobs.length, leftMs };
  }

  /** @param refresh asks the service for the headers of an answer first: one request, no credits. @throws FluxError */
  async limits(refresh?: AbortSignal): Promise<LimitsReport> {
    const { provider, limits, clock } = this.deps;
    if (refresh !== undefined) await provider.refresh(refresh);
    await this.#runner.reconciler.reconcile();
    return limitsReport(await limits.state(), this.settings, clock.now());
  }

  /** What is left of today's budget, in credits. */
  async leftToday(): Promise<number> {
    const now = this.deps.clock.now();
    const { spentCredits, reservedCredits } = totalsOf(await this.deps.limits.reservations(), now);
    return Math.max(0, this.settings.maxCreditsPerDay - spentCredits - reservedCredits);
  }

  /** The last known balance, when it is below the alert. */
  async lowBalance(): Promise<number | undefined> {
    const credits = (await this.deps.limits.balance())?.credits;
    return credits !== undefined && credits < this.settings.lowCreditsAlert ? credits : undefined;
  }

  /** Stops waiting and polling; jobs go on at the service. */
  async close(): Promise<void> {
    await Promise.all([this.#runner.close(), this.deps.preview.close()]);
    await this.deps.liveness.close();
  }
}

/** What can be foreseen of a job of that age; without history, by what pictures usually take. */
export function eta(known: Durations, ageMs: number): Eta {
  const usualMs = expectedMs(known);
  const left = known.filter((tookMs) => tookMs > ageMs).map((tookMs) => tookMs - ageMs);
  const leftMs =
    left.length === 0 ? Math.max(2_000, usualMs - ageMs) : left.reduce((sum, ms) => sum + ms) / left.length;
  // Half is shown when three quarters of the usual time have passed.
  return { fraction: ageMs / (ageMs + 0.75 * usualMs), leftMs };
}
