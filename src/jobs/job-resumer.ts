/** Resumes an idle job because somebody asks for it, and says what prevents that. */
import type { Failure } from '../core/failure.ts';
import { isSettled, type Job } from '../core/job.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { JobsDeps } from './deps.ts';
import type { JobRunner } from './job-runner.ts';

const FIRST_NEWS_MS = 5_000;

type Deps = JobsDeps & { runner: JobRunner };

export class JobResumer {
  readonly #deps: Deps;
  /** Why saved pictures whose files are gone could not be fetched again. */
  readonly #gone = new Map<string, Failure>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Nothing new is ordered. Waits for the first news of the job, at most `FIRST_NEWS_MS`. */
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

  /** The job with the failure that could not be recorded. */
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

  /** Somebody has moved or removed the file: the picture is fetched again, without a new charge. */
  async #fetchAgain(job: Job): Promise<Job> {
    const { records, runner } = this.#deps;
    const failure = await runner.fetchAgain(job);
    if (failure === undefined) this.#gone.delete(job.id);
    else this.#gone.set(job.id, failure);
    return this.withTrouble(await records.get(job.id));
  }

  async #firstNews(before: Job, signal: AbortSignal | undefined): Promise<void> {
    const { records, runner, clock } = this.#deps;
    const until = clock.monotonic() + FIRST_NEWS_MS;
    const wakeup = new Wakeup(clock);
    const stop = records.listen(before.id, () => wakeup.wake());
    try {
      while (runner.isRunning(before.id) && clock.monotonic() < until) {
        if (isNews(before, await records.get(before.id))) return;
        await wakeup.wait(until - clock.monotonic(), signal);
      }
    } finally {
      stop();
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
