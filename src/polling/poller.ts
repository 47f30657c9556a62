/** The one poller of a process: asks for all its jobs together, when it pays, and at once after an event. */
import { OBEYED_DELAY_MAX_MS } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { type Failure, failureOf } from '../core/failure.ts';
import type { ImageProvider, Reading, RemoteJob } from '../core/image-provider.ts';
import type { Job, JobEvent } from '../core/job.ts';
import type { JobEvents } from '../core/job-events.ts';
import { Wakeup } from '../core/wakeup.ts';
import { leadsTo } from '../core/webhook-url.ts';
import type { Limits } from '../limits/limits.ts';
import type { DurationMemory } from './duration-memory.ts';
import { durationKey } from './durations.ts';
import { allowanceNow, jobsToRead } from './next-poll.ts';
import { planNextPoll } from './poll-plan.ts';
import { eventsArrive, fallbackDelayMs } from './poll-schedule.ts';
import { type How, PolledJob } from './polled-job.ts';

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
  /** A job without an end after so long is given up. */
  stalledAfterMs: number;
  /** Where events for the processes with this key arrive, if anywhere. */
  webhookUrl?: string | undefined;
};

/** Settles what `follow` has promised. */
type Followed = { resolve: (job: Job) => void; reject: (error: unknown) => void };

export class Poller {
  readonly #deps: PollerDeps;
  readonly #settings: PollSettings;
  readonly #life: AbortSignal;
  readonly #jobs = new Map<PolledJob, Followed>();
  readonly #wakeup: Wakeup;
  #isRunning = false;
  /** When polling last found a job at its end, which an event should have reported. */
  #missedAt: number | undefined;

  /** @param life ends all polling */
  constructor(deps: PollerDeps, settings: PollSettings, life: AbortSignal) {
    this.#deps = deps;
    this.#settings = settings;
    this.#life = life;
    this.#wakeup = new Wakeup(deps.clock);
  }

  /** @returns the job when it is not processing any more, or when it is given up for now */
  async follow(job: Job, how: How): Promise<Job> {
    if (job.state !== 'processing' || job.remoteId === undefined) return job;
    this.#life.throwIfAborted();
    const polled = new PolledJob(job, job.remoteId, how, this.#deps.clock, this.#settings.stalledAfterMs);
    if (!how.atOnce) await this.#schedule(polled);
    const listening = new AbortController();
    this.#listen(polled, listening.signal);
    try {
      return await new Promise<Job>((resolve, reject) => {
        this.#jobs.set(polled, { resolve, reject });
        this.#wakeup.wake();
        void this.#run();
      });
    } finally {
      listening.abort(new Error('the job is not followed any more'));
    }
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#jobs.size > 0) await this.#turn();
    } catch (error) {
      for (const polled of this.#jobs.keys()) this.#fail(polled, error);
    } finally {
      this.#isRunning = false;
    }
  }

  async #turn(): Promise<void> {
    const { clock, limits, provider } = this.#deps;
    for (const polled of this.#idle()) if (clock.monotonic() >= polled.until) await this.#giveUp(polled);
    const { countsFields } = await allowanceNow(limits, clock);
    const perRequest = countsFields ? 1 : await provider.readsAtOnce();

    const at = Math.min(...this.#idle().flatMap(({ dueAt, until }) => [dueAt, until]));
    const delayMs = at - clock.monotonic();
    // Once something is new, what to ask for next is planned again.
    if (delayMs > 0 && (await this.#wakeup.wait(Math.max(1, delayMs), this.#life))) return;

    // A timer may be early by the fraction of a millisecond.
    const { due, along } = jobsToRead(this.#idle(), Math.max(at, clock.monotonic()), perRequest);
    if (due.length > 0) void this.#read(due, along);
  }

  /** Those of which nothing is being asked. */
  #idle(): PolledJob[] {
    return [...this.#jobs.keys()].filter(({ read }) => read === undefined);
  }

  async #read(due: readonly PolledJob[], along: readonly PolledJob[]): Promise<void> {
    const { clock } = this.#deps;
    for (const polled of due) polled.beginRead('due');
    for (const polled of along) polled.beginRead('along');
    const all = [...due, ...along];
    try {
      for (const polled of all) await this.#alone(polled, () => this.#endIfKnown(polled));
      const open = all.filter((polled) => this.#jobs.has(polled));
      if (!open.some(({ read }) => read === 'due')) return;
      const readings = await this.#ask(open.map(({ remoteId }) => remoteId));
      const at = clock.monotonic();
      await Promise.all(
        open.map((polled) => this.#alone(polled, () => this.#take(polled, readings.get(polled.remoteId), at))),
      );
    } catch (error) {
      for (const polled of all) this.#fail(polled, error);
    } finally {
      for (const polled of all) polled.endRead();
      this.#wakeup.wake();
    }
  }

  /** What goes wrong with one job touches no other. */
  async #alone(polled: PolledJob, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fail(polled, error);
    }
  }

  /** Another process may have learnt of its end: then it is on record, and nobody need be asked. */
  async #endIfKnown(polled: PolledJob): Promise<void> {
    const job = await this.#deps.records.get(polled.job.id);
    if (job.state !== 'processing') this.#end(polled, job);
  }

  async #ask(ids: readonly string[]): Promise<ReadonlyMap<string, Reading>> {
    try {
      return await this.#deps.provider.readMany(ids, this.#life);
    } catch (error) {
      if (this.#life.aborted) throw error;
      return new Map(ids.map((id) => [id, { failure: unreadable(error) }]));
    }
  }

  async #take(polled: PolledJob, reading: Reading | undefined, at: number): Promise<void> {
    if (reading === undefined) return;
    if ('job' in reading) await this.#receiveStatus(polled, reading.job, at);
    else await this.#block(polled, reading.failure);
  }

  async #receiveStatus(polled: PolledJob, remote: RemoteJob, at: number): Promise<void> {
    const { records, clock, durations, inline } = this.#deps;
    inline.keep(polled.job.id, remote);
    const job = await records.apply(polled.job.id, { type: 'status_received', remote, at: clock.now() });
    polled.job = job;
    if (job.state === 'processing') {
      polled.notePoll(at);
      if (polled.read === 'due' || polled.isStepping) await this.#schedule(polled);
      return;
    }
    if (polled.isFallback && polled.read === 'due') this.#missedAt = clock.now();
    this.#end(polled, job);
    if (polled.isFresh && remote.phase === 'completed')
      await durations.note(durationKey(job.request), { afterMs: polled.seenMs(), byMs: polled.ageMs(at) });
  }

  async #block(polled: PolledJob, failure: Failure): Promise<void> {
    const { records, clock } = this.#deps;
    polled.job = await records.apply(polled.job.id, { type: 'blocked', failure });
    const obeyedMs = (failure.retryAfterSeconds ?? 0) * 1_000;
    if (failure.retry === 'no' || obeyedMs > OBEYED_DELAY_MAX_MS) return this.#end(polled, polled.job);
    if (clock.monotonic() + obeyedMs > polled.until) return this.#giveUp(polled);
    polled.notePoll(undefined);
    await this.#schedule(polled, obeyedMs);
  }

  async #giveUp(polled: PolledJob): Promise<void> {
    await this.#deps.limits.releaseSlot(polled.job.id);
    this.#end(polled, polled.job);
  }

  #end(polled: PolledJob, job: Job): void {
    this.#jobs.get(polled)?.resolve(job);
    this.#jobs.delete(polled);
  }

  #fail(polled: PolledJob, error: unknown): void {
    this.#jobs.get(polled)?.reject(error);
    this.#jobs.delete(polled);
  }

  /** Sets when it is polled next. @param obeyedMs for how long the service asked for silence */
  async #schedule(polled: PolledJob, obeyedMs = 0): Promise<void> {
    const { clock, events, durations, limits } = this.#deps;
    const isExpected = !polled.hasEvent && leadsTo(this.#settings.webhookUrl, polled.job.webhookUrl);
    polled.isFallback = isExpected && eventsArrive(clock.now(), await events.lastMarkerAt(), this.#missedAt);
    if (polled.isFallback) return polled.dueIn(fallbackDelayMs(polled.polls + 1, clock.random()), obeyedMs);

    const known = polled.hasEvent ? undefined : await durations.recall(durationKey(polled.job.request));
    const { allowance } = await allowanceNow(limits, clock);
    const [ageMs, seenMs] = [polled.ageMs(clock.monotonic()), polled.seenMs()];
    const plan = planNextPoll({ known, allowance, ageMs, seenMs, polls: polled.polls, random: clock.random() });
    polled.isStepping = plan.isStepping;
    polled.dueIn(plan.delayMs, obeyedMs);
  }

  /** An event of this job makes its next poll due at once. */
  #listen(polled: PolledJob, until: AbortSignal): void {
    if (polled.job.webhookUrl === undefined) return;
    const { events } = this.#deps;
    const listen = async (): Promise<void> => {
      for (;;) {
        await events.subscribe(polled.remoteId, until);
        polled.noteEvent();
        this.#wakeup.wake();
      }
    };
    // Ends with the signal.
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
