// Owns what the sandbox remembers: its jobs, from which charges, refunds, keys, limits and the balance follow.

import { createHash } from 'node:crypto';
import { Refusal } from './http.ts';
import { endingAskedFor, type Job, type JobEnding, JobFile, jobDurationMs, type Submission, statusAt } from './job.ts';
import type { PlanLimits } from './limits.ts';

export type ServiceOptions = {
  limits: PlanLimits;
  credits: number;
  medianJobMs: number;
  now: () => number;
  seed: string;
  /** How every job ends; undefined: as its prompt asks. */
  ending?: JobEnding | undefined;
  /** Where jobs outlive the process, and are shared with others; absent: nowhere. */
  stateFile?: string | undefined;
  /** Called with every new job. */
  onJob: (job: Job) => void;
};

/** As long as a key is known, too. */
const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_KEY_LENGTH = 255;

const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/**
 * A job never changes: its status follows from the clock. So nothing needs a timer, and equal submissions that
 * arrive together see each other. `failed` jobs are refunded when they end; `moderated` ones are not: the page says
 * nothing about either.
 */
export class Service {
  private readonly jobs = new Map<string, Job>();
  /** Valid submissions that arrived: repeated and refused ones count, rate-limited ones do not. */
  private submissions = 0;
  private readonly file: JobFile | undefined;
  /** How many orders were answered with a job, new ones and repeated ones. */
  placed = 0;

  constructor(private readonly options: ServiceOptions) {
    this.file = options.stateFile === undefined ? undefined : new JobFile(options.stateFile);
    this.readFile();
  }

  /** Repeats the job of a known key; else charges for a new one. Refusals charge nothing and remember no key. */
  submit(submission: Submission, idempotencyKey: string | undefined): Job {
    this.submissions += 1;
    this.readFile();
    const known = this.recall(idempotencyKey, submission);
    if (!known) this.checkLimits();
    const job = known ?? this.create(submission, idempotencyKey);
    this.placed += 1;
    return job;
  }

  find(id: string): Job | undefined {
    if (!this.jobs.has(id)) this.readFile();
    return this.jobs.get(id);
  }

  /** For tests. A charge is refunded when its job fails, not when it is moderated. */
  inspect() {
    this.readFile();
    const now = this.options.now();
    const jobs = [...this.jobs.values()];
    const failed = jobs.filter((job) => statusAt(job, now) === 'failed');
    const listed = jobs.map((job) => {
      const { prompt, width, height } = job.submission;
      return { id: job.id, status: statusAt(job, now), prompt, width, height, creditCost: job.creditCost };
    });
    return {
      charges: jobs.map(({ id, idempotencyKey, creditCost, createdAtMs }) => {
        return { jobId: id, idempotencyKey, credits: creditCost, at: createdAtMs };
      }),
      refunds: failed.map(({ id, creditCost, endsAtMs }) => ({ jobId: id, credits: creditCost, at: endsAtMs })),
      jobs: listed,
      credits: this.balance(),
      submissions: this.submissions,
    };
  }

  /** What other processes have ordered; jobs that are known already stay the same objects. */
  private readFile(): void {
    for (const job of this.file?.read() ?? []) if (!this.jobs.has(job.id)) this.jobs.set(job.id, job);
  }

  private jobsOfToday(): Job[] {
    const today = dayOf(this.options.now());
    return [...this.jobs.values()].filter(({ createdAtMs }) => dayOf(createdAtMs) === today);
  }

  /** Where jobs are kept for good, each day (UTC) begins with the whole balance: nobody can top it up. */
  private balance(): number {
    const { now, credits } = this.options;
    const nowMs = now();
    const charged = this.file ? this.jobsOfToday() : [...this.jobs.values()];
    return charged.reduce((left, job) => left - (statusAt(job, nowMs) === 'failed' ? 0 : job.creditCost), credits);
  }

  private recall(key: string | undefined, submission: Submission): Job | undefined {
    if (key === undefined) return undefined;
    if (key.length > MAX_KEY_LENGTH) {
      throw new Refusal(400, 'BAD_USER_INPUT', `Idempotency-Key must not be longer than ${MAX_KEY_LENGTH} characters`);
    }
    const now = this.options.now();
    const known = [...this.jobs.values()].find(
      ({ idempotencyKey, createdAtMs }) => idempotencyKey === key && now < createdAtMs + DAY_MS,
    );
    if (known && JSON.stringify(known.submission) !== JSON.stringify(submission)) {
      throw new Refusal(400, 'IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for a different request');
    }
    return known;
  }

  private checkLimits(): void {
    const { limits, now } = this.options;
    const nowMs = now();
    const running = [...this.jobs.values()].filter((job) => statusAt(job, nowMs) === 'processing');
    if (running.length >= limits.concurrentJobs) {
      const ends = running.flatMap(({ ending, endsAtMs }) => (ending === 'never' ? [] : endsAtMs));
      const waitSeconds = Math.max(1, Math.ceil((Math.min(...ends) - nowMs) / 1000));
      throw new Refusal(429, 'CONCURRENT_LIMIT_EXCEEDED', `The plan allows ${limits.concurrentJobs} jobs at a time`, {
        ...(ends.length > 0 && { retryAfterSeconds: waitSeconds }),
      });
    }
    if (this.jobsOfToday().length >= limits.submissionsPerDay) {
      throw new Refusal(429, 'DAILY_LIMIT_EXCEEDED', `The plan allows ${limits.submissionsPerDay} pictures per day`, {
        retryAfterSeconds: Math.max(1, Math.ceil(((dayOf(nowMs) + 1) * DAY_MS - nowMs) / 1000)),
      });
    }
  }

  private create(submission: Submission, idempotencyKey: string | undefined): Job {
    const { seed, medianJobMs, ending, now, onJob } = this.options;
    const creditCost = priceCredits(submission.width, submission.height);
    const creditsAvailable = this.balance();
    if (creditCost > creditsAvailable) {
      throw new Refusal(402, 'INSUFFICIENT_CREDITS', 'Insufficient credits for this operation', {
        details: { creditsRequired: creditCost, creditsAvailable },
      });
    }
    const createdAtMs = now();
    const digest = createHash('sha256')
      .update(`${seed} ${this.jobs.size + 1}`)
      .digest('hex');
    const id = `sbx_${digest.slice(0, 20)}`;
    const job: Job = {
      id,
      submission,
      idempotencyKey,
      creditCost,
      createdAtMs,
      endsAtMs: createdAtMs + jobDurationMs(id, medianJobMs),
      ending: ending ?? endingAskedFor(submission.prompt),
    };
    this.jobs.set(id, job);
    this.file?.write([...this.jobs.values()]);
    onJob(job);
    return job;
  }
}

/**
 * Credits by area alone, inside the page's ranges: 10 up to 512², rising evenly to 20 at 1024² and to 40 at 2048² (the
 * page says 30–50 there and nothing about what lies between), rounded up.
 */
function priceCredits(width: number, height: number): number {
  const area = (width * height) / 1024 ** 2;
  if (area <= 1 / 4) return 10;
  return Math.ceil(area <= 1 ? 10 + (10 * (area - 1 / 4)) / (3 / 4) : 20 + (20 * (area - 1)) / 3);
}
