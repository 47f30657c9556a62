/** Fakes behind the ports of the job service, and a service wired to them on a clock that a test drives. */
import type { Failure } from '../../../src/core/failure.ts';
import { FluxError } from '../../../src/core/failure.ts';
import type { ImageProvider, RemoteJob } from '../../../src/core/image-provider.ts';
import type { ImageDownload, ImageStore, Picture, PictureLabel } from '../../../src/core/image-store.ts';
import type { Job } from '../../../src/core/job.ts';
import type { JobLedger } from '../../../src/core/job-ledger.ts';
import type { Log } from '../../../src/core/log.ts';
import type { Plan } from '../../../src/core/plan.ts';
import type { RateWindow } from '../../../src/core/rate-window.ts';
import { ImageJobs } from '../../../src/jobs/image-jobs.ts';
import { JobBoard } from '../../../src/jobs/job-board.ts';
import { createMemoryLedger } from '../../../src/storage/memory-ledger.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';
import { remoteJob } from '../core/sample-jobs.ts';

export const REQUEST = { prompt: 'a fox', width: 1024, height: 1024 } as const;
const PICTURE: Picture = { bytes: new Uint8Array([255, 216, 255]), mediaType: 'image/jpeg', extension: 'jpg' };
const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** One scripted answer: a value, a failure to throw, or `'stall'` until the signal is aborted. */
type Answer<Value> = Value | FluxError | Error | 'stall';

async function play<Value>(answer: Answer<Value>, signal: AbortSignal): Promise<Value> {
  if (answer instanceof Error) throw answer;
  if (answer !== 'stall') return answer;
  return new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** The service as scripted: answers are used up in order; the last one is repeated. */
export class FakeProvider implements ImageProvider {
  unavailability: Failure | undefined;
  submissions: Answer<RemoteJob>[] = [remoteJob('processing')];
  readings: Answer<RemoteJob>[] = [remoteJob('completed', { creditCost: 12 })];
  window: RateWindow = {};
  balance: { credits: number; at: number } | undefined;
  readonly submitted: { prompt: string; key: string; signal: AbortSignal }[] = [];
  readonly reads: { remoteId: string; at: number; signal: AbortSignal }[] = [];
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  unavailable(): Failure | undefined {
    return this.unavailability;
  }

  submit(request: { prompt: string }, key: string, signal: AbortSignal): Promise<RemoteJob> {
    this.submitted.push({ prompt: request.prompt, key, signal });
    return play(nextOf(this.submissions), signal);
  }

  read(remoteId: string, signal: AbortSignal): Promise<RemoteJob> {
    this.reads.push({ remoteId, at: this.#clock.monotonic(), signal });
    return play(nextOf(this.readings), signal);
  }

  rateWindow(): RateWindow {
    return this.window;
  }

  lastKnownBalance(): { credits: number; at: number } | undefined {
    return this.balance;
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

  async read(): Promise<Uint8Array> {
    return PICTURE.bytes;
  }
}

/** A ledger that keeps every record it was ever given, in order. */
export class RecordingLedger implements JobLedger {
  readonly history: Job[] = [];
  readonly #inner = createMemoryLedger();

  async add(job: Job): Promise<void> {
    this.history.push(job);
    await this.#inner.add(job);
  }

  update(id: string, change: (job: Job) => Job): Promise<Job | undefined> {
    return this.#inner.update(id, (before) => {
      const after = change(before);
      if (after !== before) this.history.push(after);
      return after;
    });
  }

  find(id: string): Promise<Job | undefined> {
    return this.#inner.find(id);
  }

  list(): Promise<readonly Job[]> {
    return this.#inner.list();
  }
}

export type Bench = {
  jobs: ImageJobs;
  clock: ManualClock;
  provider: FakeProvider;
  download: FakeDownload;
  store: FakeStore;
  ledger: RecordingLedger;
  /** Processes that live; this one is 1. */
  living: Set<number>;
  /** The job as recorded. */
  recorded: (id?: string) => Promise<Job>;
};

export function createBench(settings: { plan?: Plan | 'auto'; sandbox?: boolean } = {}): Bench {
  const clock = createManualClock();
  const provider = new FakeProvider(clock);
  const download = new FakeDownload();
  const store = new FakeStore();
  const ledger = new RecordingLedger();
  let made = 0;
  const ids = { jobId: () => `job_${++made}`, idempotencyKey: () => `key-${made}` };
  const living = new Set<number>([1]);
  const processes = { self: () => ({ pid: 1 }), isAlive: ({ pid }: { pid: number }) => living.has(pid) };
  const jobs = new ImageJobs(
    { board: new JobBoard(ledger), provider, download, store, clock, log: silentLog, ids, processes },
    { plan: settings.plan ?? 'auto', sandbox: settings.sandbox ?? false },
  );
  const recorded = async (id = 'job_1'): Promise<Job> => {
    const job = await ledger.find(id);
    if (job === undefined) throw new Error(`no record of ${id}`);
    return job;
  };
  return { jobs, clock, provider, download, store, ledger, living, recorded };
}

export const thrown = (failure: Partial<Failure> & Pick<Failure, 'kind'>): FluxError =>
  new FluxError({ message: `${failure.kind}.`, creditsSpent: 'maybe', retry: 'later', ...failure });

function nextOf<Value>(answers: Answer<Value>[]): Answer<Value> {
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  return answer ?? new Error('the script is empty');
}
