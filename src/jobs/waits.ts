/** Resumes jobs and waits for them on behalf of calls, and reports how far they have come. */
import { FluxError } from '../core/failure.ts';
import { isSettled, type Job } from '../core/job.ts';
import { ownerOf } from '../core/next-action.ts';
import { Wakeup } from '../core/wakeup.ts';
import { PLAN_LIMITS } from '../limits/plan.ts';
import { batchLeftMs, type Eta, eta, expectedMs } from '../polling/eta.ts';
import type { JobsDeps } from './deps.ts';
import type { JobRunner } from './job-runner.ts';
import type { WaitReason } from './order-failures.ts';

/** Whoever asks for an idle job is answered after so long, with news or without. */
const FIRST_NEWS_MS = 5_000;
/** Progress is reported at least this often, so that a host sees a living server. */
const TICK_MS = 2_000;
/** What another process learns of a job shows in the record only. */
const CHECK_OTHERS_MS = 100;
/** A batch reports single changes no more often than this. */
const BATCH_PROGRESS_EVERY_MS = 500;

export type WaitOptions = {
  waitMs: number;
  /** Ends the wait, never the job. */
  signal?: AbortSignal;
  /** Called at the start, every two seconds and at every change; `waitReason`: why the order has not been sent yet. */
  onTick?: (job: Job, elapsedMs: number, waitReason: WaitReason | undefined, eta: Eta) => void;
};

export type BatchProgress = {
  /** In the order of the ids. */
  jobs: readonly Job[];
  /** Jobs that have ended, with a picture or without. */
  done: number;
  total: number;
  /** In [0, 1); grows. */
  fraction: number;
  /** Milliseconds until all of them have ended, as far as can be foreseen. */
  leftMs: number;
};

export type BatchWaitOptions = Omit<WaitOptions, 'onTick'> & { onTick?: (progress: BatchProgress) => void };

type Deps = JobsDeps & { runner: JobRunner };

export class Waits {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Resumes an idle job because somebody asks for it: nothing new is ordered. Waits for its first news, at most 5 s. */
  async resume(job: Job, signal?: AbortSignal): Promise<Job> {
    const { store, runner, clock } = this.#deps;
    if (job.state === 'saved' && job.file !== undefined && !(await store.has(job.file))) return runner.fetchAgain(job);
    const action = runner.nextAction(job);
    if (action === 'close_unsent') return runner.closeUnsent(job);
    if (action === 'none' || action === 'wait') return job;
    runner.ensure(job.id);
    const until = clock.monotonic() + FIRST_NEWS_MS;
    return this.#follow(job.id, signal, async (now) => {
      const leftMs = until - clock.monotonic();
      return isNews(job, now) || !runner.isRunning(job.id) || leftMs <= 0 ? undefined : leftMs;
    });
  }

  /** The job when it has ended, when nothing more happens to it for now, or when `waitMs` have passed. */
  async waitFor(id: string, { waitMs, signal, onTick }: WaitOptions): Promise<Job> {
    const { runner, clock } = this.#deps;
    const began = clock.monotonic();
    let mayResume = true;
    let reportedAt = Number.NEGATIVE_INFINITY;
    return this.#follow(id, signal, async (job) => {
      const action = runner.nextAction(job);
      if (mayResume && action === 'poll' && job.failure === undefined) {
        mayResume = false;
        runner.ensure(id);
      }
      const isMoving = action === 'wait' || runner.isRunning(id);
      const elapsedMs = clock.monotonic() - began;
      if (isSettled(job) || !isMoving || elapsedMs >= waitMs) return undefined;

      const isOthers = this.#isOthers(job);
      // That the record was read again after 100 ms is not reported as progress.
      if (!isOthers || clock.monotonic() - reportedAt >= TICK_MS) {
        reportedAt = clock.monotonic();
        onTick?.(job, elapsedMs, runner.waitReasonOf(id), await this.#etaOf(job));
      }
      return Math.min(isOthers ? CHECK_OTHERS_MS : TICK_MS, waitMs - elapsedMs);
    });
  }

  /** The same for several at once, in the order of their ids. One that is in trouble keeps no other from it. */
  async waitForAll(ids: readonly string[], { waitMs, signal, onTick }: BatchWaitOptions): Promise<readonly Job[]> {
    const { clock } = this.#deps;
    const latest = new Map<string, Job>();
    let reported = { at: Number.NEGATIVE_INFINITY, done: -1 };
    const report = async (id: string, job: Job): Promise<void> => {
      latest.set(id, job);
      const jobs = ids.flatMap((known) => latest.get(known) ?? []);
      const done = jobs.filter(isSettled).length;
      // Before all of them were seen once, and after the end, there is nothing to report.
      if (onTick === undefined || jobs.length < ids.length || done === ids.length) return;
      if (done === reported.done && clock.monotonic() - reported.at < BATCH_PROGRESS_EVERY_MS) return;
      reported = { at: clock.monotonic(), done };
      onTick(await this.#progressOf(jobs));
    };
    const waitOne = async (id: string): Promise<Job> => {
      const onOneTick = (job: Job): void => void report(id, job).catch(() => undefined);
      // One of its own for each: fifty listeners on the signal of the call would be taken for a leak.
      const own = signal === undefined ? {} : { signal: AbortSignal.any([signal]) };
      try {
        const job = await this.waitFor(id, { waitMs, onTick: onOneTick, ...own });
        onOneTick(job);
        return job;
      } catch (error) {
        const known = latest.get(id);
        if (signal?.aborted || !(error instanceof FluxError) || known === undefined) throw error;
        return { ...known, failure: error.failure };
      }
    };
    return Promise.all(ids.map(waitOne));
  }

  /**
   * Reads the record at once, and again after each change, for as long as `check` wants that.
   * @param check returns how many milliseconds later it is to be read again at the latest; `undefined`: not any more
   */
  async #follow(
    id: string,
    signal: AbortSignal | undefined,
    check: (job: Job) => Promise<number | undefined>,
  ): Promise<Job> {
    const { records, runner, clock } = this.#deps;
    const wakeup = new Wakeup(clock);
    const stop = records.listen(id, () => wakeup.wake());
    try {
      for (;;) {
        const job = runner.withTrouble(await records.get(id));
        signal?.throwIfAborted();
        const delayMs = await check(job);
        if (delayMs === undefined) return job;
        await wakeup.wait(delayMs, signal);
      }
    } finally {
      stop();
    }
  }

  async #etaOf(job: Job): Promise<Eta> {
    const { durations, clock } = this.#deps;
    const known = await durations.recall(job.request);
    return eta(known, Math.max(0, clock.now() - (job.acceptedAt ?? clock.now())));
  }

  async #progressOf(jobs: readonly Job[]): Promise<BatchProgress> {
    const { limits, durations } = this.#deps;
    const open = jobs.filter((job) => !isSettled(job));
    const running = open.filter(({ acceptedAt }) => acceptedAt !== undefined);
    const waiting = open.filter(({ acceptedAt }) => acceptedAt === undefined);
    const etas = await Promise.all(running.map((job) => this.#etaOf(job)));
    const expected = await Promise.all(waiting.map(async ({ request }) => expectedMs(await durations.recall(request))));
    const { plan } = await limits.state();
    const done = jobs.length - open.length;
    const leftOfRunning = etas.map(({ leftMs }) => leftMs);
    return {
      jobs,
      done,
      total: jobs.length,
      fraction: (done + etas.reduce((sum, { fraction }) => sum + fraction, 0)) / jobs.length,
      leftMs: batchLeftMs(leftOfRunning, expected, PLAN_LIMITS[plan].concurrentJobs),
    };
  }

  /** Its process may learn of its end sooner than this one, and only writes it to the record. */
  #isOthers(job: Job): boolean {
    const { processes, clock } = this.#deps;
    return ownerOf(job, processes, clock.now()) === 'alive';
  }
}

/** A process that takes a job over changes its record, too: that is no news yet. */
function isNews(before: Job, now: Job): boolean {
  return (
    now.state !== before.state ||
    now.remoteStatus !== before.remoteStatus ||
    JSON.stringify(now.failure?.reason ?? now.failure?.message) !==
      JSON.stringify(before.failure?.reason ?? before.failure?.message)
  );
}
