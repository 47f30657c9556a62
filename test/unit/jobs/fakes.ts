/** Fakes behind the ports of the job service, and a service wired to them on a clock that a test drives. */

import type { Clock, Ids, Liveness, Log, Times } from '../../../src/core/ports.ts';
import type { Failure } from '../../../src/core/failure.ts';
import { FluxError, failureOf } from '../../../src/core/failure.ts';
import type {
  ImageProvider,
  PreparedOrder,
  PrepareOptions,
  Reading,
  RemoteJob,
  SendResult,
} from '../../../src/core/image-provider.ts';
import { dedupeKey, type ImageRequest, type Order } from '../../../src/core/image-request.ts';
import type { ImageDownload, ImageStore, Picture, PictureLabel } from '../../../src/core/image-store.ts';
import type { Job } from '../../../src/core/job.ts';
import type { JobEvents, JobStore, StoredJob } from '../../../src/core/job-store.ts';
import type { WireMemory } from '../../../src/core/wire-memory.ts';
import type { Replacement } from '../../../src/core/shared-value.ts';
import { faultDecision } from '../../../src/doitong/failures.ts';
import type { JobsDeps, JobsSettings } from '../../../src/jobs/deps.ts';
import { ImageJobs } from '../../../src/jobs/image-jobs.ts';
import { JobRecords } from '../../../src/jobs/job-records.ts';
import type { Ordered, ProposeOptions } from '../../../src/jobs/orders.ts';
import type { Limits, RequestLimiter } from '../../../src/limits/limits.ts';
import { awaitPermit } from '../../../src/limits/rate-state.ts';
import type { Plan } from '../../../src/limits/plan.ts';
import type { RequestWindow } from '../../../src/limits/rate-state.ts';
import { createDurationMemory, type DurationMemory } from '../../../src/polling/durations.ts';
import { createUnkeptValues } from '../../../src/storage/nothing-kept.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';
import {
  createGivenUp,
  createMemoryEvents,
  createMemoryJobStore,
  createMemoryLimits,
} from '../../support/memory-storage.ts';
import { createPlainWireMemory } from '../../support/plain-wire-memory.ts';
import { admitOne } from '../../support/one-order.ts';
import { placeOrder, placeOrders } from '../../support/place-orders.ts';
import { owner, remoteJob } from '../core/sample-jobs.ts';

export const REQUEST = { prompt: 'a fox', width: 1024, height: 1024 } as const;
export const PICTURE: Picture = { bytes: new Uint8Array([255, 216, 255]), mediaType: 'image/jpeg', extension: 'jpg' };
const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** One scripted answer: a value, a failure to throw, or `'stall'` until the signal is aborted. */
type Answer<Value> = Value | FluxError | Error | 'stall';

async function play<Value>(answer: Answer<Value>, signal: AbortSignal): Promise<Value> {
  if (answer instanceof Error) throw answer;
  if (answer !== 'stall') return answer;
  signal.throwIfAborted();
  return new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** The order is to be sent again in that dialect, because the try failed or was refused for its encoding. */
type Again = { again: string; failure?: Failure };
type FakeOrder = PreparedOrder & { prompt: string; webhookUrl: string | undefined };

/**
 * The service as scripted: answers are used up in order; the last one is repeated. Like the real one it asks the request limiter
 * before each status read; orders have their permit by then.
 */
export class FakeProvider implements ImageProvider {
  unavailability: Failure | undefined;
  submissions: Answer<RemoteJob | Again>[] = [remoteJob('processing')];
  readings: Answer<RemoteJob>[] = [remoteJob('completed', { creditCost: 12 })];
  /** What each job answers when it is read, by its id at the service; before the script. */
  readonly readingOf = new Map<string, Answer<RemoteJob>>();
  /** Each order gets an id of its own: dt_1, dt_2, …; else all get the script's. */
  isNumbering = false;
  /** How many jobs one request can ask for. */
  atOnce = 25;
  /** Called in between the record as submitting and the first byte. */
  onSending: (() => void) | undefined;
  /** Milliseconds by which its clock is ahead of ours, as an answer tells; `unasked`: none has told yet. */
  ahead: { ms: number; unasked?: boolean } | undefined;
  refreshed = 0;
  readonly submitted: { prompt: string; key: string; signal: AbortSignal; webhookUrl: string | undefined }[] = [];
  readonly reads: { remoteId: string; at: number; signal: AbortSignal }[] = [];
  readonly prepared: PrepareOptions[] = [];
  /** The jobs that each status request asked for. */
  readonly requests: string[][] = [];
  readonly #clock: Clock;
  readonly #limits: RequestLimiter;

  constructor(clock: Clock, limits: RequestLimiter) {
    this.#clock = clock;
    this.#limits = limits;
  }

  unavailable(): Failure | undefined {
    return this.unavailability;
  }

  async prepare(request: ImageRequest, options: PrepareOptions): Promise<FakeOrder> {
    this.prepared.push(options);
    return { dialect: 'generate', prompt: request.prompt, webhookUrl: options.webhookUrl };
  }

  async send({ prompt, webhookUrl }: FakeOrder, key: string, signal: AbortSignal): Promise<SendResult> {
    if (signal.aborted) return { type: 'failed', failure: faultDecision(false, { cause: 'caller' }, 'submit').failure };
    this.submitted.push({ prompt, key, signal, webhookUrl });
    this.onSending?.();
    const number = this.submitted.length;
    try {
      const answer = await play(nextOf(this.submissions), signal);
      if ('again' in answer) {
        const order: FakeOrder = { prompt, webhookUrl, dialect: answer.again };
        return { type: 'again', order, afterMs: 0, ...(answer.failure && { failure: answer.failure }) };
      }
      return { type: 'accepted', job: this.isNumbering ? { ...answer, remoteId: `dt_${number}` } : answer };
    } catch (error) {
      if (error instanceof FluxError) return { type: 'failed', failure: error.failure };
      throw error;
    }
  }

  async readMany(remoteIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Reading>> {
    const readings = new Map<string, Reading>();
    try {
      await this.#permitted(signal, remoteIds.length);
      this.requests.push([...remoteIds]);
    } catch (error) {
      if (signal.aborted || !(error instanceof FluxError)) throw error;
      for (const id of remoteIds) readings.set(id, { failure: error.failure });
      return readings;
    }
    for (const id of remoteIds) {
      this.reads.push({ remoteId: id, at: this.#clock.monotonic(), signal });
      try {
        const answer = this.readingOf.get(id) ?? nextOf(this.readings);
        readings.set(id, { job: { ...(await play(answer, signal)), remoteId: id } });
      } catch (error) {
        if (signal.aborted) throw error;
        readings.set(id, { failure: failureOf(error, 'read', { creditsSpent: 'maybe', retry: 'later' }) });
      }
    }
    return readings;
  }

  async readsAtOnce(): Promise<number> {
    return this.atOnce;
  }

  async times(ask?: AbortSignal): Promise<Times> {
    if (this.ahead !== undefined && ask !== undefined) this.ahead.unasked = false;
    const here = this.#clock.now();
    return this.ahead === undefined || this.ahead.unasked ? { here } : { here, there: here + this.ahead.ms };
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.#permitted(signal);
    this.refreshed += 1;
  }

  async probe(): Promise<never> {
    throw new Error('no test of these probes the service');
  }

  /** That no job could be read says nothing of its credits. */
  async #permitted(signal: AbortSignal, fields = 1): Promise<void> {
    try {
      await awaitPermit(this.#limits, this.#clock, { purpose: 'read', fields }, signal);
    } catch (error) {
      throw error instanceof FluxError ? new FluxError({ ...error.failure, creditsSpent: 'maybe' }) : error;
    }
  }

  async close(): Promise<void> {}
}

export class FakeDownload implements ImageDownload {
  answers: Answer<Picture>[] = [PICTURE];
  readonly fetched: string[] = [];

  fetch(url: string, signal: AbortSignal): Promise<Picture> {
    this.fetched.push(url);
    return play(nextOf(this.answers), signal);
  }
}

export class FakeStore implements ImageStore {
  answers: Answer<string>[] = ['/pictures/fox.jpg'];
  readonly labels: PictureLabel[] = [];

  save(_picture: Picture, label: PictureLabel): Promise<string> {
    this.labels.push(label);
    return play(nextOf(this.answers), new AbortController().signal);
  }

  /** Whether saved files are still there. */
  present = true;

  async read(): Promise<Uint8Array> {
    if (!this.present) throw new Error('the file is gone');
    return PICTURE.bytes;
  }
}

/** A job store that keeps every record it was ever given, in order. */
export class RecordingJobStore implements JobStore {
  readonly location = 'memory';
  readonly history: Job[] = [];
  readonly #inner = createMemoryJobStore();

  async add(job: Job): Promise<void> {
    this.history.push(job);
    await this.#inner.add(job);
  }

  read(id: string): Promise<StoredJob | undefined> {
    return this.#inner.read(id);
  }

  async replace(seen: StoredJob, job: Job): Promise<Replacement> {
    const replacement = await this.#inner.replace(seen, job);
    if (replacement === 'done') this.history.push(job);
    return replacement;
  }

  remove(seen: StoredJob): Promise<Replacement> {
    return this.#inner.remove(seen);
  }

  /** As another process changes it. */
  async change(id: string, rule: (job: Job) => Job): Promise<void> {
    const seen = await this.read(id);
    if (seen !== undefined) await this.replace(seen, rule(seen.value));
  }

  find(id: string): Promise<Job | undefined> {
    return this.#inner.find(id);
  }

  newest(before?: string): AsyncIterable<Job> {
    return this.#inner.newest(before);
  }

  open(): Promise<readonly Job[]> {
    return this.#inner.open();
  }

  equal(key: string, since: number): Promise<readonly Job[]> {
    return this.#inner.equal(key, since);
  }
}

/** What processes with one key share. */
export type Shared = {
  clock: Clock;
  limits: Limits;
  jobStore: JobStore;
  events: JobEvents;
  keys?: WireMemory['keys'];
  givenUp?: JobsDeps['givenUp'];
  /** Numbers of the processes that live. */
  living: Set<number>;
  ids: Ids;
};

export type OneProcess = {
  jobs: ImageJobs;
  /** One picture, ordered as a tool does whose user says yes. */
  order: (request: ImageRequest, order?: Omit<Order, 'request'>) => Promise<Ordered>;
  /** The same for the pictures of one call. */
  orderAll: (orders: readonly Order[], options?: Partial<ProposeOptions>) => Promise<readonly Ordered[]>;
  provider: FakeProvider;
  download: FakeDownload;
  store: FakeStore;
  durations: DurationMemory;
  /** The job as recorded. */
  recorded: (id?: string) => Promise<Job>;
};

/** One process and what it shares, on a clock that the test drives. */
export type Bench = Shared & OneProcess & { clock: ManualClock; jobStore: RecordingJobStore };

export type BenchSettings = ProcessSettings & {
  plan?: Plan | 'auto';
  requestWindow?: RequestWindow;
  keys?: WireMemory['keys'];
};

const DEFAULTS: JobsSettings = {
  sandbox: false,
  maxCreditsPerDay: 1_000,
  maxCreditsPerCall: 500,
  maxImagesPerDay: 100,
  confirmAboveCredits: 100,
  lowCreditsAlert: 100,
  duplicateHours: 24,
};

type ProcessSettings = Partial<JobsSettings> & Partial<Pick<JobsDeps, 'onSubmission' | 'checkFolders' | 'others'>>;

/** Process 1, alone. */
export function createBench(settings: BenchSettings = {}): Bench {
  const clock = createManualClock();
  const { plan = 'auto', requestWindow, keys: memory } = settings;
  const limits = createMemoryLimits({ clock, log: silentLog, plan, requestWindow });
  let jobs = 0;
  let keys = 0;
  const ids = { jobIds: () => () => `job_${++jobs}`, idempotencyKey: () => `key-${++keys}` };
  const jobStore = new RecordingJobStore();
  const events = createMemoryEvents(clock);
  return startProcess(
    1,
    { clock, limits, jobStore, events, ...(memory && { keys: memory }), living: new Set<number>(), ids },
    settings,
  );
}

/** A process that shares with others what is shared, with the service scripted for it alone. */
export function startProcess<Known extends Shared>(
  pid: number,
  shared: Known,
  { onSubmission, checkFolders = async () => undefined, others, ...settings }: ProcessSettings = {},
): Known & OneProcess {
  const { clock, limits, jobStore, events, keys = createPlainWireMemory().keys, givenUp, living, ids } = shared;
  living.add(pid);
  const provider = new FakeProvider(clock, limits);
  const download = new FakeDownload();
  const store = new FakeStore();
  const liveness: Liveness = {
    self: owner(pid),
    begin: async () => () => undefined,
    stateOf: async (other) => (living.has(other.pid) ? 'alive' : 'silent'),
    close: async () => undefined,
  };
  const records = new JobRecords(jobStore, limits, clock);
  const durations = createDurationMemory(createUnkeptValues(), clock);
  const jobs = new ImageJobs(
    {
      records,
      limits,
      provider,
      keys,
      download,
      store,
      preview: {
        fit: async (bytes) => ({ bytes, mediaType: 'image/jpeg', isPreview: false }),
        sheet: async () => undefined,
        close: async () => undefined,
      },
      events,
      durations,
      givenUp: givenUp ?? createGivenUp(clock),
      clock,
      log: silentLog,
      ids,
      liveness,
      onSubmission,
      checkFolders,
      others,
    },
    { ...DEFAULTS, ...settings },
  );
  const recorded = async (id = 'job_1'): Promise<Job> => {
    const job = await jobStore.find(id);
    if (job === undefined) throw new Error(`no record of ${id}`);
    return job;
  };
  const order: OneProcess['order'] = (request, options) => placeOrder(jobs, request, options);
  const orderAll: OneProcess['orderAll'] = (orders, options) => placeOrders(jobs, orders, options);
  return { ...shared, jobs, order, orderAll, provider, download, store, durations, recorded };
}

/** An order with its reservation and its record, as a process left it. */
export async function leftBehind(bench: Shared, job: Job): Promise<void> {
  const { id, createdAt: at, owner: by, credits, request } = job;
  const entry = { id, at, owner: by, maxCredits: credits.max, dedupeKey: dedupeKey(request), allowDuplicate: true };
  const decision = await admitOne(bench.limits, entry, { creditsPerDay: null, imagesPerDay: null });
  if (decision.type !== 'admitted') throw new Error(`not admitted: ${decision.type}`);
  if (job.state !== 'queued') await bench.limits.slot(id);
  await bench.jobStore.add(job);
  await bench.limits.note(job);
}

export const thrown = (failure: Partial<Failure> & Pick<Failure, 'kind'>): FluxError =>
  new FluxError({
    reason: { code: 'worded', what: `${failure.kind}.` },
    creditsSpent: 'maybe',
    retry: 'later',
    ...failure,
  });

function nextOf<Value>(answers: Answer<Value>[]): Answer<Value> {
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  return answer ?? new Error('the script is empty');
}
