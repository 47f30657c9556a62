/** Carries a job on that rests unfinished because somebody looks at it, and tells what stands in its way. */
import type { Clock } from '../core/clock.ts';
import type { Failure } from '../core/failure.ts';
import type { ImageStore } from '../core/image-store.ts';
import { isSettled, type Job } from '../core/job.ts';
import type { Changes } from './changes.ts';
import type { JobRecords } from './job-records.ts';
import type { JobRunner } from './job-runner.ts';

const FIRST_NEWS_MS = 5_000;

export type JobResumerDeps = {
  records: JobRecords;
  store: Pick<ImageStore, 'has'>;
  runner: JobRunner;
  changes: Changes;
  clock: Clock;
};

export class JobResumer {
  readonly #deps: JobResumerDeps;
  /** Why saved pictures whose files are gone could not be fetched again. */
  readonly #gone = new Map<string, Failure>();

  constructor(deps: JobResumerDeps) {
    this.#deps = deps;
  }

  /** Nothing is ordered anew. Waits for the first news of the job, at most `FIRST_NEWS_MS`. */
  async resume(job: Job, signal?: AbortSignal): Promise<Job> {
    const { records, store, runner } = this.#deps;
    if (job.state === 'saved' && job.file !== undefined && !(await store.has(job.file))) return this.#fetchAgain(job);
    const action = runner.nextAction(job);
    if (action === 'close_unsent') return runner.closeUnsent(job);
    if (action === 'none' || action === 'wait') return job;
    runner.ensure(job.id);
    await this.#firstNews(job, signal);
    return this.withTrouble(await records.get(job.id));
  }

  /** The job with what stands in its way and could not be put on record. */
  withTrouble(job: Job): Job {
    const { runner } = this.#deps;
    const gone = job.state === 'saved' ? this.#gone.get(job.id) : undefined;
    if (gone !== undefined) {
      const { file: _, ...rest } = job;
      return { ...rest, state: 'completed', failure: gone };
    }
    const failure = runner.isRunning(job.id) ? undefined : runner.troubleOf(job.id);
    return failure === undefined || isSettled(job) ? job : { ...job, failure };
  }

  /** Whether its file is gone and could not be fetched again. */
  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  /** Somebody has moved or removed the file: the picture is fetched again, without a new charge. */
  async #fetchAgain(job: Job): Promise<Job> {
    const { records, runner } = this.#deps;
    const failure = await runner.fetchAgain(job);
    if (failure === undefined) this.#gone.delete(job.id);
    else this.#gone.set(job.id, failure);
    return this.withTrouble(await records.get(job.id));
  }

  async #firstNews(job: Job, signal: AbortSignal | undefined): Promise<void> {
    const { records, runner, changes, clock } = this.#deps;
    const until = clock.monotonic() + FIRST_NEWS_MS;
    while (runner.isRunning(job.id) && clock.monotonic() < until) {
      const change = changes.next(job.id);
      try {
        if (isNews(job, await records.get(job.id))) return;
        await changes.orAfter(change, until - clock.monotonic(), signal);
      } finally {
        change.stop();
      }
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
