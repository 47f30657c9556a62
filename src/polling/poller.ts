/** The one watcher of a process: asks for all its jobs together, when it pays, and at once after an event. */
import { OBEYED_DELAY_MAX_MS } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { type Failure, failureOf } from '../core/failure.ts';
import type { ImageProvider, Reading, RemoteJob } from '../core/image-provider.ts';
import type { Job, JobEvent } from '../core/job.ts';
import type { JobEvents } from '../core/job-events.ts';
import { leadsTo } from '../core/webhook-url.ts';
import type { Gate } from '../limits/limits.ts';
import type { DurationMemory } from './duration-memory.ts';
import { durationKey } from './durations.ts';
import { allowanceNow, nextRead, type WatchPlan } from './next-poll.ts';
import { firstPollAgeMs, nextPollMs, pricedDelayMs } from './poll-plan.ts';
import { eventsArrive, pollDelayMs, safetyNetDelayMs } from './poll-schedule.ts';
import { type How, WatchedJob } from './polled-job.ts';

/** Processes that wait for pictures of one kind do not all come at once. */
const PLAN_JITTER = 0.05;

export type WatcherParts = {
  board: {
    get(id: string): Promise<Job>;
    apply(id: string, event: JobEvent): Promise<Job>;
  };
  gate: Pick<Gate, 'givePlaceBack' | 'state'>;
  provider: Pick<ImageProvider, 'readMany' | 'readsAtOnce'>;
  durations: DurationMemory;
  events: JobEvents;
  /** Keeps a picture that came inside an answer. */
  inline: { keep(id: string, remote: RemoteJob): void };
  clock: Clock;
};

export type WatchSettings = {
  /** A job without an end after so long is not watched any more. */
  stalledAfterMs: number;
  /** Where events for the processes with this key arrive, if anywhere. */
  webhookUrl?: string | undefined;
};

export class Watcher {
  readonly #parts: WatcherParts;
  readonly #settings: WatchSettings;
  readonly #life: AbortSignal;
  readonly #jobs = new Map<string, WatchedJob>();
  #isRunning = false;
  #wake: (() => void) | undefined;
  /** Something is new since the plan was begun. */
  #isPoked = false;
  /** When a job was last found at its end, of which an event should have told. */
  #missedAt: number | undefined;

  /** @param life ends every watch */
  constructor(parts: WatcherParts, settings: WatchSettings, life: AbortSignal) {
    this.#parts = parts;
    this.#settings = settings;
    this.#life = life;
  }

  /** @returns the job when it is not processing any more, or when it is left alone for now */
  async follow(job: Job, how: How): Promise<Job> {
    if (job.state !== 'processing' || job.remoteId === undefined) return job;
    this.#life.throwIfAborted();
    const watched = new WatchedJob(job, job.remoteId, how, this.#parts.clock, this.#settings.stalledAfterMs);
    if (!how.atOnce) await this.#schedule(watched);
    this.#jobs.set(job.id, watched);
    this.#listen(watched);
    this.#poke();
    void this.#run();
    return watched.over.finally(() => {
      this.#jobs.delete(job.id);
      watched.letGo();
    });
  }

  #poke(): void {
    this.#isPoked = true;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#jobs.size > 0) await this.#turn();
    } catch (error) {
      for (const watched of this.#jobs.values()) watched.fail(error);
    } finally {
      this.#isRunning = false;
    }
  }

  async #turn(): Promise<void> {
    const { clock } = this.#parts;
    this.#isPoked = false;
    for (const watched of this.#idle().filter((one) => clock.monotonic() >= one.until)) await this.#leaveAlone(watched);
    const plan = await nextRead(this.#idle(), this.#parts);
    if (this.#isPoked) return;
    const ends = this.#idle().map(({ until }) => until);
    await this.#restUntil(Math.min(plan.at, ...ends), plan);
  }

  /** Those of which nothing is being asked. */
  #idle(): WatchedJob[] {
    return [...this.#jobs.values()].filter(({ isBeingRead, isOver }) => !isBeingRead && !isOver);
  }

  async #restUntil(at: number, plan: WatchPlan): Promise<void> {
    const { clock } = this.#parts;
    const now = clock.monotonic();
    // Something is new: what to ask next is planned anew.
    if (at > now && (await this.#isWokenWithin(Math.max(1, at - now)))) return;
    // A timer may be early by the fraction of a millisecond.
    const { due, along } = plan.readAt(Math.max(at, clock.monotonic()));
    if (due.length === 0) return;
    for (const watched of [...due, ...along]) watched.beginRead();
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
      ? this.#parts.clock.sleep(delayMs, rest.signal).then(() => false)
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
  async #read(due: readonly WatchedJob[], along: readonly WatchedJob[]): Promise<void> {
    const { clock } = this.#parts;
    const asked: WatchedJob[] = [];
    try {
      for (const watched of [...due, ...along]) if (!(await this.#isKnownToBeOver(watched))) asked.push(watched);
      if (!asked.some((watched) => due.includes(watched))) return;
      const readings = await this.#ask(asked.map(({ remoteId }) => remoteId));
      const at = clock.monotonic();
      await Promise.all(
        asked.map(async (watched) => {
          const reading = readings.get(watched.remoteId);
          if (reading !== undefined) await this.#take(watched, reading, at, due.includes(watched));
        }),
      );
    } catch (error) {
      for (const watched of [...due, ...along]) watched.fail(error);
    } finally {
      for (const watched of [...due, ...along]) watched.isRead();
      this.#poke();
    }
  }

  async #ask(ids: readonly string[]): Promise<ReadonlyMap<string, Reading>> {
    try {
      return await this.#parts.provider.readMany(ids, this.#life);
    } catch (error) {
      if (this.#life.aborted) throw error;
      return new Map(ids.map((id) => [id, { failure: unreadable(error) }]));
    }
  }

  /** Another process may have learnt it: then it is on record, and nobody need be asked. */
  async #isKnownToBeOver(watched: WatchedJob): Promise<boolean> {
    try {
      const job = await this.#parts.board.get(watched.job.id);
      if (job.state === 'processing') return false;
      watched.end(job);
    } catch (error) {
      watched.fail(error);
    }
    return true;
  }

  async #take(watched: WatchedJob, reading: Reading, at: number, isDue: boolean): Promise<void> {
    try {
      if ('job' in reading) await this.#observe(watched, reading.job, at, isDue);
      else await this.#hinder(watched, reading.failure, isDue);
    } catch (error) {
      watched.fail(error);
    }
  }

  async #observe(watched: WatchedJob, remote: RemoteJob, at: number, isDue: boolean): Promise<void> {
    const { board, clock, durations, inline } = this.#parts;
    inline.keep(watched.job.id, remote);
    const job = await board.apply(watched.job.id, { type: 'observed', remote, at: clock.now() });
    watched.job = job;
    if (job.state !== 'processing') {
      if (watched.isNet && isDue && !watched.isToldNow) this.#missedAt = clock.now();
      watched.end(job);
      if (watched.isFresh && remote.phase === 'completed') {
        await durations.note(durationKey(job.request), { afterMs: watched.seenMs(), byMs: watched.ageMs(at) });
      }
      return;
    }
    watched.sawUnfinished(at, isDue);
    if (isDue || watched.isStepping) await this.#schedule(watched);
  }

  async #hinder(watched: WatchedJob, failure: Failure, isDue: boolean): Promise<void> {
    const { board, clock } = this.#parts;
    watched.job = await board.apply(watched.job.id, { type: 'hindered', failure });
    const obeyedMs = (failure.retryAfterSeconds ?? 0) * 1_000;
    if (failure.retry === 'no' || obeyedMs > OBEYED_DELAY_MAX_MS) {
      watched.end(watched.job);
      return;
    }
    watched.sawNothing(isDue);
    if (clock.monotonic() + obeyedMs > watched.until) {
      await this.#leaveAlone(watched);
      return;
    }
    await this.#schedule(watched);
    watched.waitAtLeast(obeyedMs);
  }

  async #leaveAlone(watched: WatchedJob): Promise<void> {
    await this.#parts.gate.givePlaceBack(watched.job.id);
    watched.end(watched.job);
  }

  /** When it is polled next. */
  async #schedule(watched: WatchedJob): Promise<void> {
    const { clock, events, durations, gate } = this.#parts;
    const isExpected = !watched.isTold && leadsTo(this.#settings.webhookUrl, watched.job.webhookUrl);
    const isNet = isExpected && eventsArrive(clock.now(), await events.lastMarkAt(), this.#missedAt);
    if (isNet) return watched.dueIn(safetyNetDelayMs(watched.polls + 1, clock.random()), true);
    const known = watched.isTold ? undefined : await durations.recall(durationKey(watched.job.request));
    const { allowance } = await allowanceNow(gate, clock);
    const firstMs = firstPollAgeMs(known, allowance);
    watched.isStepping = firstMs !== undefined;
    if (known === undefined || firstMs === undefined)
      return watched.dueIn(pricedDelayMs(pollDelayMs(watched.polls + 1, clock.random()), allowance), false);
    const ageMs = watched.ageMs(clock.monotonic());
    const stepMs = watched.seenMs() === 0 ? 0 : nextPollMs(known, ageMs, allowance);
    const delayMs = Math.max(allowance.refillMs, stepMs, firstMs - ageMs);
    watched.dueIn(delayMs * (1 + PLAN_JITTER * clock.random()), false);
  }

  /** An event of this job makes its next look due at once. */
  #listen(watched: WatchedJob): void {
    if (watched.job.webhookUrl === undefined) return;
    const { events } = this.#parts;
    const listen = async (): Promise<void> => {
      for (;;) {
        await events.watch(watched.remoteId, watched.gone);
        watched.tell();
        this.#poke();
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
