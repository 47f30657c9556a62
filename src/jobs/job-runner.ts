/** Carries a job on from wherever it stands: submit, watch, collect. It lives apart from the calls that wait for it. */
import { backOffMs, OBEYED_DELAY_MAX_MS } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { ImageProvider, RemoteJob } from '../core/image-provider.ts';
import type { ImageDownload, ImageStore, Picture } from '../core/image-store.ts';
import { type Job, STALLED_AFTER_MS } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import { pollDelayMs } from '../core/poll-schedule.ts';
import type { Processes } from '../core/processes.ts';
import { nextRequestAt } from '../core/rate-window.ts';
import type { JobBoard } from './job-board.ts';

const DOWNLOAD_TRIES = 5;
/** A window's end is told in whole seconds, rounded up. */
const ROUNDING_MS = 1_000;
/** Pictures that were fetched and could not be saved, kept until the folder can be written again. */
const UNSAVED_PICTURES = 4;
/** The service is taken to know a key for 24 hours (open point 10 of the API page). */
const KEY_RESEND_WINDOW_MS = 23 * 60 * 60_000;

export type RunnerParts = {
  board: JobBoard;
  provider: ImageProvider;
  download: ImageDownload;
  store: ImageStore;
  clock: Clock;
  log: Log;
  processes: Processes;
};

export class JobRunner {
  readonly #parts: RunnerParts;
  readonly #running = new Map<string, Promise<void>>();
  readonly #unsaved = new Map<string, Picture>();
  /** What stopped a run that the record could not be told of: the record itself could not be written. */
  readonly #troubles = new Map<string, Failure>();
  /** Ends with the process, not with a call: money that left is watched even when nobody waits any more. */
  readonly #life = new AbortController();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Starts carrying the job on unless that is under way. */
  ensure(id: string): void {
    if (this.#running.has(id) || this.#life.signal.aborted) return;
    this.#troubles.delete(id);
    const run = this.#run(id)
      .catch((error: unknown) => {
        if (error instanceof FluxError) this.#troubles.set(id, error.failure);
        if (!this.#life.signal.aborted)
          this.#parts.log.error('a job stopped unexpectedly', { id, error: String(error) });
      })
      .finally(() => {
        this.#running.delete(id);
        this.#parts.board.wake(id);
      });
    this.#running.set(id, run);
  }

  /** Why the last run of this job stopped without the record saying so. */
  troubleOf(id: string): Failure | undefined {
    return this.#troubles.get(id);
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  /** A fetched picture that is not on disk: its url may expire before the folder can be written. */
  unsaved(id: string): Picture | undefined {
    return this.#unsaved.get(id);
  }

  #keepUnsaved(id: string, picture: Picture): void {
    this.#unsaved.set(id, picture);
    const [oldest] = this.#unsaved.keys();
    if (this.#unsaved.size > UNSAVED_PICTURES && oldest !== undefined) this.#unsaved.delete(oldest);
  }

  /** Stops all work here; what the service was asked for goes on there. */
  async close(): Promise<void> {
    this.#life.abort(new Error('the server is ending'));
    await Promise.all(this.#running.values());
  }

  async #run(id: string): Promise<void> {
    let job = await this.#parts.board.get(id);
    if (job.state === 'submitting' && this.#keyIsTooOld(job)) job = await this.#doubt(job);
    if (job.state === 'queued' || job.state === 'submitting') job = await this.#submit(job);
    if (job.state === 'processing') job = await this.#watch(job);
    if (job.state === 'completed') await this.#collect(job);
  }

  async #submit(queued: Job): Promise<Job> {
    const { board, provider } = this.#parts;
    const silenced = await this.#awaitSilence();
    if (silenced !== undefined) {
      if (queued.state === 'submitting')
        return board.apply(queued.id, { type: 'hindered', failure: stillOpen(silenced) });
      return board.apply(queued.id, { type: 'failed', failure: silenced, at: this.#parts.clock.now() });
    }
    const job = await board.apply(queued.id, { type: 'sending', owner: this.#parts.processes.self() });
    try {
      const remote = await provider.submit(job.request, job.idempotencyKey, this.#life.signal);
      return await this.#observed(job.id, remote);
    } catch (error) {
      if (this.#life.signal.aborted) throw error;
      const failure = failureOf(error, {
        message: `The request for the picture ended in an unforeseen error (${nameOf(error)}).`,
        creditsSpent: 'maybe',
        retry: 'same_job',
      });
      const verdict = queued.state === 'submitting' ? stillOpen(failure) : failure;
      // Only a job that cost nothing for certain may end here: everything else stays open under its own key.
      if (verdict.creditsSpent !== 'no') return board.apply(job.id, { type: 'hindered', failure: verdict });
      return board.apply(job.id, { type: 'failed', failure: verdict, at: this.#parts.clock.now() });
    }
  }

  #keyIsTooOld(job: Job): boolean {
    return this.#parts.clock.now() - job.createdAt > KEY_RESEND_WINDOW_MS;
  }

  #doubt(job: Job): Promise<Job> {
    const failure: Failure = {
      kind: 'ambiguous',
      message: 'Whether the service took this order is not known, and it is too old to be sent again under its key.',
      creditsSpent: 'maybe',
      retry: 'no',
      remedy: "Ask the user to look at the account at Doitong; order the picture anew only with the user's consent.",
    };
    return this.#parts.board.apply(job.id, { type: 'doubtful', failure });
  }

  async #watch(watched: Job): Promise<Job> {
    const { board, provider, clock } = this.#parts;
    const until = clock.monotonic() + STALLED_AFTER_MS;
    let job = watched;
    // A job that was not just submitted may be long finished: the first look is at once.
    let delayMs = this.#justSubmitted(job) ? pollDelayMs(1, clock.random()) : 0;
    for (let poll = 2; job.state === 'processing' && job.remoteId !== undefined; poll += 1) {
      const waitMs = this.#allowedDelay(delayMs);
      if (waitMs > OBEYED_DELAY_MAX_MS + ROUNDING_MS) {
        job = await board.apply(job.id, { type: 'hindered', failure: silence(waitMs, 'maybe') });
        break;
      }
      if (clock.monotonic() + waitMs > until) break;
      await clock.sleep(waitMs, this.#life.signal);
      try {
        job = await this.#observed(job.id, await provider.read(job.remoteId, this.#life.signal));
        delayMs = pollDelayMs(poll, clock.random());
      } catch (error) {
        if (this.#life.signal.aborted) throw error;
        const failure = unreadable(error);
        job = await board.apply(job.id, { type: 'hindered', failure });
        if (failure.retry === 'no') break;
        delayMs = Math.max(pollDelayMs(poll, clock.random()), (failure.retryAfterSeconds ?? 0) * 1_000);
      }
    }
    return job;
  }

  async #collect(job: Job): Promise<void> {
    const { board, download, store, clock } = this.#parts;
    const label = {
      jobId: job.id,
      prompt: job.request.prompt,
      createdAt: job.createdAt,
      ...(job.fileName === undefined ? {} : { fileName: job.fileName }),
    };
    for (let attempt = 1; job.url !== undefined; attempt += 1) {
      try {
        const picture = this.#unsaved.get(job.id) ?? (await download.fetch(job.url, this.#life.signal));
        this.#keepUnsaved(job.id, picture);
        const file = await store.save(picture, label);
        this.#unsaved.delete(job.id);
        await board.apply(job.id, { type: 'saved', file, mediaType: picture.mediaType });
        return;
      } catch (error) {
        if (this.#life.signal.aborted) throw error;
        const failure = failureOf(error, {
          message: `Saving the picture ended in an unforeseen error (${nameOf(error)}).`,
          creditsSpent: 'yes',
          retry: 'same_job',
        });
        const again = failure.kind === 'download_failed' && failure.retry === 'same_job' && attempt < DOWNLOAD_TRIES;
        if (!again) {
          await board.apply(job.id, { type: 'hindered', failure });
          return;
        }
        await clock.sleep(backOffMs(attempt, clock.random()), this.#life.signal);
      }
    }
  }

  #observed(id: string, remote: RemoteJob): Promise<Job> {
    return this.#parts.board.apply(id, { type: 'observed', remote, at: this.#parts.clock.now() });
  }

  #justSubmitted(job: Job): boolean {
    return this.#parts.clock.now() - job.createdAt < 5_000;
  }

  /**
   * Waits until the service takes requests again, if it asked for silence or its window is used up.
   * @returns the failure instead when that would take longer than a caller waits
   */
  async #awaitSilence(): Promise<Failure | undefined> {
    const waitMs = this.#allowedDelay(0);
    if (waitMs > OBEYED_DELAY_MAX_MS + ROUNDING_MS) return silence(waitMs, 'no');
    if (waitMs > 0) await this.#parts.clock.sleep(waitMs, this.#life.signal);
    return undefined;
  }

  /** The wanted delay, or longer when the service's window is used up until then. */
  #allowedDelay(delayMs: number): number {
    const now = this.#parts.clock.now();
    return Math.max(delayMs, nextRequestAt(this.#parts.provider.rateWindow(), now) - now);
  }
}

function silence(waitMs: number, creditsSpent: 'no' | 'maybe'): Failure {
  return {
    kind: 'rate_limited',
    message: 'The service has asked for no requests until its limit is over, so nothing is sent now.',
    creditsSpent,
    retry: 'later',
    retryAfterSeconds: Math.ceil(waitMs / 1_000),
  };
}

/**
 * What a refusal means for an order that was sent before and left open: it does not prove that the earlier try cost
 * nothing. Only an answer that holds the job closes it.
 */
function stillOpen(failure: Failure): Failure {
  if (failure.creditsSpent !== 'no') return failure;
  return {
    ...failure,
    kind: 'ambiguous',
    message: `An earlier try of this order may have been carried out. The last answer: ${failure.message}`,
    creditsSpent: 'maybe',
    retry: 'same_job',
  };
}

function unreadable(error: unknown): Failure {
  return failureOf(error, {
    message: `Reading the job ended in an unforeseen error (${nameOf(error)}).`,
    creditsSpent: 'maybe',
    retry: 'later',
  });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
