/** Waits for jobs on behalf of calls, and tells how far they have come. */
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import { isSettled, type Job } from '../core/job.ts';
import { ownerOf } from '../core/next-action.ts';
import type { Processes } from '../core/processes.ts';
import type { Limits } from '../limits/limits.ts';
import { PLAN_LIMITS } from '../limits/plan.ts';
import type { DurationMemory } from '../polling/duration-memory.ts';
import { durationKey, type Eta, eta, expectedMs } from '../polling/durations.ts';
import { batchLeftMs } from '../polling/wait-progress.ts';
import type { BatchProgress, BatchWaitOptions } from './batch.ts';
import type { Changes } from './changes.ts';
import type { JobRecords } from './job-records.ts';
import type { JobResumer } from './job-resumer.ts';
import type { JobRunner } from './job-runner.ts';
import type { WaitReason } from './order-failures.ts';

/** Progress is told at least this often, so that a host sees a living server. */
const TICK_MS = 2_000;
/** What another process learns of a job shows in the record only. */
const CHECK_OTHERS_MS = 100;
/** A batch tells of single changes no more often than this. */
const BATCH_PROGRESS_EVERY_MS = 500;

export type WaitOptions = {
  waitMs: number;
  /** Ends the wait, never the job. */
  signal?: AbortSignal;
  /** Called at the start, every two seconds and at every change; `waitReason`: why the order has not been sent yet. */
  onTick?: (job: Job, elapsedMs: number, waitReason: WaitReason | undefined, eta: Eta) => void;
};

export type WaitsDeps = {
  records: JobRecords;
  limits: Pick<Limits, 'state'>;
  runner: JobRunner;
  resume: JobResumer;
  changes: Changes;
  durations: DurationMemory;
  processes: Processes;
  clock: Clock;
};

export class Waits {
  readonly #deps: WaitsDeps;

  constructor(deps: WaitsDeps) {
    this.#deps = deps;
  }

  /** The job when it is over, when nothing more happens to it for now, or when `waitMs` have passed. */
  async waitFor(id: string, options: WaitOptions): Promise<Job> {
    const { records, runner, resume, changes, clock } = this.#deps;
    const started = clock.monotonic();
    let resumed = false;
    let checkedAt = Number.NEGATIVE_INFINITY;
    for (;;) {
      const change = changes.next(id);
      try {
        const job = resume.withTrouble(await records.get(id));
        const elapsedMs = clock.monotonic() - started;
        options.signal?.throwIfAborted();
        const action = runner.nextAction(job);
        if (!resumed && action === 'poll' && job.failure === undefined) {
          resumed = true;
          runner.ensure(id);
        }
        const moves = action === 'wait' || runner.isRunning(id);
        if (isSettled(job) || resume.isGone(id) || !moves || elapsedMs >= options.waitMs) return job;
        // A look at the record every 100 ms is no news for those who are told of the progress.
        if (clock.monotonic() - checkedAt >= TICK_MS || !this.#isOthers(job)) {
          checkedAt = clock.monotonic();
          options.onTick?.(job, elapsedMs, runner.waitReasonOf(id), await this.etaOf(job));
        }
        const tickMs = this.#isOthers(job) ? CHECK_OTHERS_MS : TICK_MS;
        await changes.orAfter(change, Math.min(tickMs, options.waitMs - elapsedMs), options.signal);
      } finally {
        change.stop();
      }
    }
  }

  /** The same for several at once, in the order of their ids. One that is in trouble keeps no other from it. */
  async waitForAll(ids: readonly string[], options: BatchWaitOptions): Promise<readonly Job[]> {
    const { clock } = this.#deps;
    const latest = new Map<string, Job>();
    let reported = { at: Number.NEGATIVE_INFINITY, done: -1 };
    const reportProgress = async (): Promise<void> => {
      const jobs = ids.flatMap((id) => latest.get(id) ?? []);
      const done = jobs.filter(isSettled).length;
      // Before all of them were looked at, and after the end, there is nothing to tell.
      if (options.onTick === undefined || jobs.length < ids.length || done === ids.length) return;
      if (done === reported.done && clock.monotonic() - reported.at < BATCH_PROGRESS_EVERY_MS) return;
      reported = { at: clock.monotonic(), done };
      options.onTick(await this.#progressOf(jobs));
    };
    const waitOne = async (id: string): Promise<Job> => {
      const onTick = (job: Job): void => {
        latest.set(id, job);
        void reportProgress().catch(() => undefined);
      };
      const { waitMs, signal } = options;
      // One of its own for each: fifty listeners on the signal of the call would be taken for a leak.
      const own = signal === undefined ? {} : { signal: AbortSignal.any([signal]) };
      try {
        const job = await this.waitFor(id, { waitMs, onTick, ...own });
        onTick(job);
        return job;
      } catch (error) {
        const known = latest.get(id);
        if (signal?.aborted || !(error instanceof FluxError) || known === undefined) throw error;
        return { ...known, failure: error.failure };
      }
    };
    return Promise.all(ids.map(waitOne));
  }

  async etaOf(job: Job): Promise<Eta> {
    const { durations, clock } = this.#deps;
    const known = await durations.recall(durationKey(job.request));
    return eta(known, Math.max(0, clock.now() - (job.acceptedAt ?? clock.now())));
  }

  async #progressOf(jobs: readonly Job[]): Promise<BatchProgress> {
    const { limits, durations } = this.#deps;
    const running = jobs.filter((job) => !isSettled(job) && job.acceptedAt !== undefined);
    const waiting = jobs.filter((job) => !isSettled(job) && job.acceptedAt === undefined);
    const outlooks = await Promise.all(running.map((job) => this.etaOf(job)));
    const expected = await Promise.all(
      waiting.map(async ({ request }) => expectedMs(await durations.recall(durationKey(request)))),
    );
    const { plan } = await limits.state();
    const done = jobs.length - running.length - waiting.length;
    return {
      jobs,
      done,
      total: jobs.length,
      fraction: (done + outlooks.reduce((sum, { fraction }) => sum + fraction, 0)) / jobs.length,
      leftMs: batchLeftMs(
        outlooks.map(({ leftMs }) => leftMs),
        expected,
        PLAN_LIMITS[plan].concurrentJobs,
      ),
    };
  }

  /** Its process may learn of its end sooner than this one, and tells nobody but the record. */
  #isOthers(job: Job): boolean {
    const { processes, clock } = this.#deps;
    return ownerOf(job, processes, clock.now()) === 'alive';
  }
}
