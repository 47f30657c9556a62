/** The one watcher of a process: asks for all its jobs together, when it pays, and at once after an event. */
import { OBEYED_DELAY_MAX_MS } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { type Failure, failureOf } from '../core/failure.ts';
import type { ImageProvider, Reading, RemoteJob } from '../core/image-provider.ts';
import type { Job, JobEvent } from '../core/job.ts';
import type { JobEvents } from '../core/job-events.ts';
import { leadsTo } from '../core/webhook-url.ts';
import type { Limits } from '../limits/limits.ts';
import type { DurationMemory } from './duration-memory.ts';
import { durationKey } from './durations.ts';
import { allowanceNow, type NextPoll, nextRead } from './next-poll.ts';
import { firstPollAgeMs, nextPollMs, pricedDelayMs } from './poll-plan.ts';
import { eventsArrive, fallbackDelayMs, pollDelayMs } from './poll-schedule.ts';
import { type How, PolledJob } from './polled-job.ts';

/** Processes that wait for pictures of one kind do not all come at once. */
const PLAN_JITTER = 0.05;

export type PollerDeps = {
  records: {
    get(id: string): Promise<Job>;
    apply(id: string, event: JobEvent): Promise<Job>;
  };
  limits: Pick<Limits, 'releaseSlot' | 'state'>;
  provider: Pick<ImageProvider, 'readMany' | 'readsAtOnce'>;
  durations: DurationMemory;
  events: JobEvents;
  /** Keeps a picture that came inside an answer. */
  inline: { keep(id: string, remote: RemoteJob): void };
  clock: Clock;
};

export type PollSettings = {
  /** A job without an end after so long is not watched any more. */
  stalledAfterMs: number;
  /** Where events for the processes with this key arrive, if anywhere. */
  webhookUrl?: string | undefined;
};

export class Poller {
  readonly #deps: PollerDeps;
  readonly #settings: PollSettings;
  readonly #life: AbortSignal;
  readonly #jobs = new Map<string, PolledJob>();
  #isRunning = false;
  #wake: (() => void) | undefined;
  /** Something is new since the plan was begun. */
  #isNotified = false;
  /** When a job was last found at its end, of which an event should have told. */
  #missedAt: number | undefined;

  /** @param life ends every watch */
  constructor(deps: PollerDeps, settings: PollSettings, life: AbortSignal) {
    this.#deps = deps;
    this.#settings = settings;
    this.#life = life;
  }

  /** @returns the job when it is not processing any more, or when it is left alone for now */
  async follow(job: Job, how: How): Promise<Job> {
    if (job.state !== 'processing' || job.remoteId === undefined) return job;
    this.#life.throwIfAborted();
    const polled = new PolledJob(job, job.remoteId, how, this.#deps.clock, this.#settings.stalledAfterMs);
    if (!how.atOnce) await this.#schedule(polled);
    this.#jobs.set(job.id, polled);
    this.#listen(polled);
    this.#notify();
    void this.#run();
    return polled.finished.finally(() => {
      this.#jobs.delete(job.id);
      polled.letGo();
    });
  }

  #notify(): void {
    this.#isNotified = true;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#jobs.size > 0) await this.#turn();
    } catch (error) {
      for (const polled of this.#jobs.values()) polled.fail(error);
    } finally {
      this.#isRunning = false;
    }
  }

  async #turn(): Promise<void> {
    const { clock } = this.#deps;
    this.#isNotified = false;
    for (const polled of this.#idle().filter((one) => clock.monotonic() >= one.until)) await this.#giveUp(polled);
    const plan = await nextRead(this.#idle(), this.#deps);
    if (this.#isNotified) return;
    const ends = this.#idle().map(({ until }) => until);
    await this.#waitUntil(Math.min(plan.at, ...ends), plan);
  }

  /** Those of which nothing is being asked. */
  #idle(): PolledJob[] {
    return [...this.#jobs.values()].filter(({ isBeingRead, isFinished }) => !isBeingRead && !isFinished);
  }

  async #waitUntil(at: number, plan: NextPoll): Promise<void> {
    const { clock } = this.#deps;
    const now = clock.monotonic();
    // Something is new: what to ask next is planned anew.
    if (at > now && (await this.#isWokenWithin(Math.max(1, at - now)))) return;
    // A timer may be early by the fraction of a millisecond.
    const { due, along } = plan.readAt(Math.max(at, clock.monotonic()));
    if (due.length === 0) return;
    for (const polled of [...due, ...along]) polled.beginRead();
    void this.#read(due, along);
  }

  async #isWokenWithin(delayMs: number): Promise<boolean> {
    this.#life.throwIfAborted();
    const rest = new AbortController();
    const stop = (): void => rest.abort(this.#life.reason);
    this.#life.addEventListener('abort', stop, { once: true });
    const woken = new Promise<true>((resolve) => {
      this.#wake = () => resolve(true);
    });
    // Without an end there is nothing to ask as long as nothing is new.
    const slept = Number.isFinite(delayMs)
      ? this.#deps.clock.sleep(delayMs, rest.signal).then(() => false)
      : new Promise<false>((_, reject) => rest.signal.addEventListener('abort', () => reject(rest.signal.reason)));
    try {
      return await Promise.race([woken, slept]);
    } finally {
      this.#wake = undefined;
      this.#life.removeEventListener('abort', stop);
      slept.catch(() => undefined);
      rest.abort();
    }
  }

  /** @param due those whose time has come; @param along others that the same request can ask for */
  async #read(due: readonly PolledJob[], along: readonly PolledJob[]): Promise<void> {
    const { clock } = this.#deps;
    const asked: PolledJob[] = [];
    try {
      for (const polled of [...due, ...along]) if (!(await this.#isKnownFinished(polled))) asked.push(polled);
      if (!asked.some((polled) => due.includes(polled))) return;
      const readings = await this.#ask(asked.map(({ remoteId }) => remoteId));
      const at = clock.monotonic();
      await Promise.all(
        asked.map(async (polled) => {
          const reading = readings.get(polled.remoteId);
          if (reading !== undefined) await this.#take(polled, reading, at, due.includes(polled));
        }),
      );
    } catch (error) {
      for (const polled of [...due, ...along]) polled.fail(error);
    } finally {
      for (const polled of [...due, ...along]) polled.isRead();
      this.#notify();
    }
  }

  async #ask(ids: readonly string[]): Promise<ReadonlyMap<string, Reading>> {
    try {
      return await this.#deps.provider.readMany(ids, this.#life);
    } catch (error) {
      if (this.#life.aborted) throw error;
      return new Map(ids.map((id) => [id, { failure: unreadable(error) }]));
    }
  }

  /** Another process may have learnt it: then it is on record, and nobody need be asked. */
  async #isKnownFinished(polled: PolledJob): Promise<boolean> {
    try {
      const job = await this.#deps.records.get(polled.job.id);
      if (job.state === 'processing') return false;
      polled.end(job);
    } catch (error) {
      polled.fail(error);
    }
    return true;
  }

  async #take(polled: PolledJob, reading: Reading, at: number, isDue: boolean): Promise<void> {
    try {
      if ('job' in reading) await this.#receiveStatus(polled, reading.job, at, isDue);
      else await this.#block(polled, reading.failure, isDue);
    } catch (error) {
      polled.fail(error);
    }
  }

  async #receiveStatus(polled: PolledJob, remote: RemoteJob, at: number, isDue: boolean): Promise<void> {
    const { records, clock, durations, inline } = this.#deps;
    inline.keep(polled.job.id, remote);
    const job = await records.apply(polled.job.id, { type: 'status_received', remote, at: clock.now() });
    polled.job = job;
    if (job.state !== 'processing') {
      if (polled.isFallback && isDue && !polled.isEventPoll) this.#missedAt = clock.now();
      polled.end(job);
      if (polled.isFresh && remote.phase === 'completed') {
        await durations.note(durationKey(job.request), { afterMs: polled.seenMs(), byMs: polled.ageMs(at) });
      }
      return;
    }
    polled.sawUnfinished(at, isDue);
    if (isDue || polled.isStepping) await this.#schedule(polled);
  }

  async #block(polled: PolledJob, failure: Failure, isDue: boolean): Promise<void> {
    const { records, clock } = this.#deps;
    polled.job = await records.apply(polled.job.id, { type: 'blocked', failure });
    const obeyedMs = (failure.retryAfterSeconds ?? 0) * 1_000;
    if (failure.retry === 'no' || obeyedMs > OBEYED_DELAY_MAX_MS) {
      polled.end(polled.job);
      return;
    }
    polled.sawNothing(isDue);
    if (clock.monotonic() + obeyedMs > polled.until) {
      await this.#giveUp(polled);
      return;
    }
    await this.#schedule(polled);
    polled.waitAtLeast(obeyedMs);
  }

  async #giveUp(polled: PolledJob): Promise<void> {
    await this.#deps.limits.releaseSlot(polled.job.id);
    polled.end(polled.job);
  }

  /** When it is polled next. */
  async #schedule(polled: PolledJob): Promise<void> {
    const { clock, events, durations, limits } = this.#deps;
    const isExpected = !polled.hasEvent && leadsTo(this.#settings.webhookUrl, polled.job.webhookUrl);
    const isFallback = isExpected && eventsArrive(clock.now(), await events.lastMarkerAt(), this.#missedAt);
    if (isFallback) return polled.dueIn(fallbackDelayMs(polled.polls + 1, clock.random()), true);
    const known = polled.hasEvent ? undefined : await durations.recall(durationKey(polled.job.request));
    const { allowance } = await allowanceNow(limits, clock);
    const firstMs = firstPollAgeMs(known, allowance);
    polled.isStepping = firstMs !== undefined;
    if (known === undefined || firstMs === undefined)
      return polled.dueIn(pricedDelayMs(pollDelayMs(polled.polls + 1, clock.random()), allowance), false);
    const ageMs = polled.ageMs(clock.monotonic());
    const stepMs = polled.seenMs() === 0 ? 0 : nextPollMs(known, ageMs, allowance);
    const delayMs = Math.max(allowance.refillMs, stepMs, firstMs - ageMs);
    polled.dueIn(delayMs * (1 + PLAN_JITTER * clock.random()), false);
  }

  /** An event of this job makes its next look due at once. */
  #listen(polled: PolledJob): void {
    if (polled.job.webhookUrl === undefined) return;
    const { events } = this.#deps;
    const listen = async (): Promise<void> => {
      for (;;) {
        await events.subscribe(polled.remoteId, polled.gone);
        polled.noteEvent();
        this.#notify();
      }
    };
    // Ends with the watch.
    listen().catch(() => undefined);
  }
}

/** What nobody foresaw says nothing of the job. */
function unreadable(error: unknown): Failure {
  return failureOf(error, {
    message: `Reading the job ended in an unforeseen error (${error instanceof Error ? error.name : typeof error}).`,
    creditsSpent: 'maybe',
    retry: 'later',
  });
}
