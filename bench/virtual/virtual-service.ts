/** A service in virtual time: jobs that take as long as they are drawn, the plan's limits, and a count of requests. */
import { type Failure, FluxError } from '../../src/core/failure.ts';
import type { ImageProvider, PreparedOrder, Reading, RemoteJob, SendResult } from '../../src/core/image-provider.ts';
import type { RequestLimiter } from '../../src/limits/limits.ts';
import { awaitPermit } from '../../src/limits/rate-state.ts';
import { PLAN_LIMITS, type Plan } from '../../src/limits/plan.ts';
import type { Durations, Random } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** An answer takes so long, half of it on the way there. */
const ROUND_TRIP_MS = 100;
const WINDOW_MS = 60_000;

export type ServedJob = { id: string; acceptedAt: number; endsAt: number };

export type Counts = { orders: number; reads: number; refused: number; idsRead: number };

export type VirtualServiceDeps = {
  clock: VirtualClock;
  limits: RequestLimiter;
  plan: Plan;
  durations: Durations;
  random: Random;
};

export class VirtualService implements ImageProvider {
  readonly jobs = new Map<string, ServedJob>();
  readonly counts: Counts = { orders: 0, reads: 0, refused: 0, idsRead: 0 };
  readonly #deps: VirtualServiceDeps;
  #window: number[] = [];

  constructor(deps: VirtualServiceDeps) {
    this.#deps = deps;
  }

  unavailable(): undefined {
    return undefined;
  }

  async times(): Promise<{ here: number }> {
    return { here: this.#deps.clock.now() };
  }

  async prepare(): Promise<PreparedOrder> {
    return { dialect: 'generate' };
  }

  async send(order: PreparedOrder, _key: string, signal: AbortSignal): Promise<SendResult> {
    const { clock, plan } = this.#deps;
    await clock.sleep(ROUND_TRIP_MS / 2, signal);
    const refusal = this.#refusal(PLAN_LIMITS[plan].concurrentJobs);
    this.counts.orders += 1;
    if (refusal !== undefined) {
      this.counts.refused += 1;
      return { type: 'again', order, afterMs: refusal };
    }
    const job = this.accept();
    await clock.sleep(ROUND_TRIP_MS / 2, signal);
    return { type: 'accepted', job: this.#reported(job) };
  }

  /** An order of a program that keeps no limits: `undefined` when the service refuses it. */
  orderNow(): ServedJob | undefined {
    this.counts.orders += 1;
    if (this.#refusal(PLAN_LIMITS[this.#deps.plan].concurrentJobs) === undefined) return this.accept();
    this.counts.refused += 1;
    return undefined;
  }

  /** A poll of such a program: whether the job is finished; `undefined` when the service refuses it. */
  readNow({ endsAt }: ServedJob): boolean | undefined {
    this.counts.reads += 1;
    if (this.#refusal(null) === undefined) return this.#deps.clock.monotonic() >= endsAt;
    this.counts.refused += 1;
    return undefined;
  }

  /** A job begins now. */
  accept(): ServedJob {
    const { clock, durations, random } = this.#deps;
    const acceptedAt = clock.monotonic();
    const id = `dt_${this.jobs.size + 1}`;
    const job = { id, acceptedAt, endsAt: acceptedAt + durations.draw(random) };
    this.jobs.set(id, job);
    return job;
  }

  async read(remoteId: string, signal: AbortSignal): Promise<RemoteJob> {
    const reading = (await this.readMany([remoteId], signal)).get(remoteId);
    if (reading === undefined || 'failure' in reading) throw new FluxError(reading?.failure ?? LOST);
    return reading.job;
  }

  async readMany(remoteIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Reading>> {
    const { clock, limits } = this.#deps;
    await awaitPermit(limits, clock, { purpose: 'read', fields: remoteIds.length }, signal);
    await clock.sleep(ROUND_TRIP_MS / 2, signal);
    this.counts.reads += 1;
    this.counts.idsRead += remoteIds.length;
    const refusal = this.#refusal(null);
    if (refusal !== undefined) this.counts.refused += 1;
    const readings = remoteIds.map((id): [string, Reading] => {
      const job = this.jobs.get(id);
      return [id, refusal !== undefined || job === undefined ? { failure: LIMITED } : { job: this.#reported(job) }];
    });
    await clock.sleep(ROUND_TRIP_MS / 2, signal);
    return new Map(readings);
  }

  async readsAtOnce(): Promise<number> {
    return 25;
  }

  async refresh(): Promise<void> {}

  async probe(): Promise<never> {
    throw new Error('nobody looks at this service');
  }

  async close(): Promise<void> {}

  #reported({ id, endsAt }: ServedJob): RemoteJob {
    const isSettled = this.#deps.clock.monotonic() >= endsAt;
    const url = `https://cdn.doitong.com/${id}.jpg`;
    return isSettled
      ? { remoteId: id, phase: 'completed', remoteStatus: 'completed', url, creditCost: 12 }
      : { remoteId: id, phase: 'processing', remoteStatus: 'processing', creditCost: 12 };
  }

  /** As the service counts: any span of a minute, and the jobs that run. @returns milliseconds to wait */
  #refusal(slots: number | null): number | undefined {
    const { clock, plan } = this.#deps;
    const now = clock.monotonic();
    this.#window = this.#window.filter((at) => now - at < WINDOW_MS);
    const { requestsPerMinute } = PLAN_LIMITS[plan];
    if (requestsPerMinute !== null && this.#window.length >= requestsPerMinute)
      return (this.#window[0] ?? now) + WINDOW_MS - now;
    this.#window.push(now);
    const running = [...this.jobs.values()].filter(({ endsAt }) => endsAt > now);
    if (slots === null || running.length < slots) return undefined;
    return Math.min(...running.map(({ endsAt }) => endsAt)) - now;
  }
}

const LIMITED: Failure = {
  kind: 'rate_limited',
  reason: { code: 'worded', what: 'The service asked for silence.' },
  creditsSpent: 'maybe',
  retry: 'later',
};
const LOST: Failure = {
  ...LIMITED,
  kind: 'service_error',
  reason: { code: 'worded', what: 'The service knows no such job.' },
};
