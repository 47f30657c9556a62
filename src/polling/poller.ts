/** The one poller of a process: asks for all its jobs together, when it pays, and at once after an event. */
import { OBEYED_DELAY_MAX_MS, Wakeup } from '../core/primitives.ts';
import type { Clock } from '../core/ports.ts';
import type { Failure } from '../core/failure.ts';
import type { ImageProvider, RemoteJob } from '../core/image-provider.ts';
import type { Job, JobEvent } from '../core/job.ts';
import type { JobEvents } from '../core/job-store.ts';
import type { Limits, LimitsState } from '../limits/limits.ts';
import type { DurationMemory } from './durations.ts';
import { eventsArrive, fallbackDelayMs, leadsTo, pollDelayMs } from './poll-plan.ts';
import { type How, PolledJob } from './polled-job.ts';

export type PollerDeps = {
  records: { get(id: string): Promise<Job>; apply(id: string, event: JobEvent): Promise<Job> };
  limits: Pick<Limits, 'releaseSlot' | 'state'>;
  provider: Pick<ImageProvider, 'readMany' | 'readsAtOnce'>;
  durations: DurationMemory;
  events: JobEvents;
  pictures: { keep(id: string, remote: RemoteJob): void };
  clock: Clock;
};

export class Poller {
  readonly #jobs = new Set<PolledJob>();
  readonly #wakeup: Wakeup;
  #isRunning = false;
  /** When polling last found a job at its end, which an event should have reported. */
  #missedAt = Number.NEGATIVE_INFINITY;

  /** @param webhookUrl where events for the processes with this key arrive, if anywhere @param life ends all polling */
  constructor(
    private readonly deps: PollerDeps,
    private readonly webhookUrl: string | undefined,
    private readonly life: AbortSignal,
  ) {
    this.#wakeup = new Wakeup(deps.clock);
  }

  /** @returns the job when it is not processing any more, or when it is given up for now */
  async follow(job: Job, how: How): Promise<Job> {
    if (job.state !== 'processing' || job.remoteId === undefined) return job;
    this.life.throwIfAborted();
    const polled = new PolledJob(job, job.remoteId, how, this.deps.clock);
    if (!how.atOnce) await this.#schedule(polled);
    // Its next poll is due at once then.
    const onEvent = (): void => {
      polled.noteEvent();
      this.#wakeup.wake();
    };
    const stop = job.webhookUrl === undefined ? undefined : this.deps.events.listen(job.remoteId, onEvent);
    try {
      this.#jobs.add(polled);
      this.#wakeup.wake();
      void this.#run();
      return await polled.outcome;
    } finally {
      stop?.();
    }
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#jobs.size > 0) await this.#turn();
    } catch (error) {
      for (const polled of this.#jobs) this.#fail(polled, error);
    } finally {
      this.#isRunning = false;
    }
  }

  async #turn(): Promise<void> {
    const { clock } = this.deps;
    for (const polled of this.#idle()) if (clock.monotonic() >= polled.until) await this.#giveUp(polled);
    const at = Math.min(...this.#idle().flatMap(({ dueAt, until }) => [dueAt, until]));
    const delayMs = at - clock.monotonic();
    // Once something is new, what to ask for next is planned again.
    if (delayMs > 0 && (await this.#wakeup.wait(Math.max(1, delayMs), this.life))) return;
    // A timer may be early by the fraction of a millisecond.
    const jobs = await this.#jobsToRead(Math.max(at, clock.monotonic()));
    if (jobs.length > 0) void this.#read(jobs);
  }

  /** Those of which nothing is being asked. */
  #idle(): PolledJob[] {
    return [...this.#jobs].filter(({ isBeingRead }) => !isBeingRead);
  }

  /** Those whose time has come, and those for which the same requests have room. */
  async #jobsToRead(at: number): Promise<PolledJob[]> {
    // What the service has asked for is kept exactly, whatever else is asked now.
    const open = this.#idle().filter(({ notBefore }) => notBefore <= at);
    if (!open.some(({ dueAt }) => dueAt <= at)) return [];
    // The service may count each job that a request asks for.
    const countsFields = (await this.#limits())?.rateState.countsFields;
    const perRequest = countsFields ? 1 : await this.deps.provider.readsAtOnce();
    // A job that is due within a quarter of its whole wait joins the request that is made now. Where each job costs a
    // request of its own, each is asked for in its own time.
    const soonMs = ({ isFallback, dueAfterMs }: PolledJob): number =>
      perRequest === 1 || isFallback ? 0 : dueAfterMs / 4;
    const due = open.filter((job) => job.dueAt <= at + soonMs(job));
    const room = Math.ceil(due.length / perRequest) * perRequest - due.length;
    return [...due, ...open.filter((job) => !due.includes(job) && !job.isFallback).slice(0, room)];
  }

  /** Without the shared limits there is nothing to plan by; the permit itself is asked for all the same. */
  #limits(): Promise<LimitsState | undefined> {
    return this.deps.limits.state().catch(() => undefined);
  }

  async #read(jobs: readonly PolledJob[]): Promise<void> {
    const { clock, provider, records } = this.deps;
    for (const polled of jobs) polled.beginRead();
    try {
      await this.#each(jobs, async (polled) => {
        // Another process may have learnt of its end: then it is on record, and nobody need be asked.
        const job = await records.get(polled.job.id);
        if (job.state !== 'processing') this.#end(polled, job);
      });
      const open = jobs.filter((polled) => this.#jobs.has(polled));
      if (open.length === 0) return;
      const ids = open.map(({ remoteId }) => remoteId);
      const readings = await provider.readMany(ids, this.life);
      const at = clock.monotonic();
      await this.#each(open, async (polled) => {
        const reading = readings.get(polled.remoteId);
        if (reading === undefined) throw new Error('nothing was said of a job that was asked for');
        if ('job' in reading) await this.#receiveStatus(polled, reading.job, at);
        else await this.#block(polled, reading.failure);
      });
    } catch (error) {
      for (const polled of jobs) this.#fail(polled, error);
    } finally {
      for (const polled of jobs) polled.endRead();
      this.#wakeup.wake();
    }
  }

  /** What goes wrong with one job touches no other. */
  async #each(jobs: readonly PolledJob[], work: (polled: PolledJob) => Promise<void>): Promise<void> {
    await Promise.all(jobs.map((polled) => work(polled).catch((error: unknown) => this.#fail(polled, error))));
  }

  async #receiveStatus(polled: PolledJob, remote: RemoteJob, at: number): Promise<void> {
    const { records, clock, durations, pictures } = this.deps;
    pictures.keep(polled.job.id, remote);
    const job = await records.apply(polled.job.id, { type: 'status_received', remote, at: clock.now() });
    polled.job = job;
    if (job.state === 'processing') {
      polled.seenAt = at;
      return this.#schedule(polled);
    }
    if (polled.isFallback) this.#missedAt = clock.now();
    this.#end(polled, job);
    const { acceptedAt, seenAt = acceptedAt } = polled;
    if (polled.how.isFresh && remote.phase === 'completed')
      await durations.note(job.request, { afterMs: seenAt - acceptedAt, byMs: at - acceptedAt });
  }

  async #block(polled: PolledJob, failure: Failure): Promise<void> {
    const { records, clock } = this.deps;
    polled.job = await records.apply(polled.job.id, { type: 'blocked', failure });
    const obeyedMs = (failure.retryAfterSeconds ?? 0) * 1_000;
    if (failure.retry === 'no' || obeyedMs > OBEYED_DELAY_MAX_MS) return this.#end(polled, polled.job);
    if (clock.monotonic() + obeyedMs > polled.until) return this.#giveUp(polled);
    await this.#schedule(polled, obeyedMs);
  }

  async #giveUp(polled: PolledJob): Promise<void> {
    await this.deps.limits.releaseSlot(polled.job.id);
    this.#end(polled, polled.job);
  }

  #end(polled: PolledJob, job: Job): void {
    polled.resolve(job);
    this.#jobs.delete(polled);
  }

  #fail(polled: PolledJob, error: unknown): void {
    polled.reject(error);
    this.#jobs.delete(polled);
  }

  async #schedule(polled: PolledJob, obeyedMs = 0): Promise<void> {
    const { clock, events, durations } = this.deps;
    const { hasEvent, job, seenAt } = polled;
    const isExpected = !hasEvent && leadsTo(this.webhookUrl, job.webhookUrl);
    polled.isFallback = isExpected && eventsArrive(clock.now(), await events.lastMarkerAt(), this.#missedAt);
    const now = clock.monotonic();
    const followedMs = now - polled.followedSince;
    if (polled.isFallback) return polled.dueIn(fallbackDelayMs(followedMs), obeyedMs);
    const known = hasEvent ? [] : await durations.recall(job.request);
    const allowance = (await this.#limits())?.reads ?? { left: null, perWindow: null, refillMs: 0 };
    const state = { known, allowance, ageMs: now - polled.acceptedAt, isSeen: seenAt !== undefined, followedMs };
    polled.dueIn(pollDelayMs({ ...state, random: clock.random() }), obeyedMs);
  }
}
