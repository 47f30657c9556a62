// Owns what the sandbox remembers: its jobs, from which charges, refunds, keys, limits and the balance follow.

import { createHash } from 'node:crypto';
import { Refusal } from './answer.ts';
import { endingAskedFor, type Job, type JobEnding, jobDurationMs, statusAt } from './job.ts';
import type { JobFile } from './job-file.ts';
import type { PlanLimits } from './limits.ts';
import { priceCredits } from './price.ts';
import type { Submission } from './submission.ts';

export type Charge = { jobId: string; idempotencyKey?: string; credits: number; at: number };
export type Refund = { jobId: string; credits: number; at: number };

export type ServiceOptions = {
  limits: PlanLimits;
  credits: number;
  medianJobMs: number;
  now: () => number;
  seed: string;
  /** How every job ends; undefined: as its prompt asks. */
  ending?: JobEnding | undefined;
  /** Where jobs outlive the process, and are shared with others; absent: nowhere. */
  file?: JobFile | undefined;
  /** Called with every new job. */
  onJob?: (job: Job) => void;
};

/** One request that may place orders: its key, and how many jobs it was answered with. */
export type Placement = { idempotencyKey: string | undefined; jobs: number };

/** As many as the largest daily limit, which is counted by them. */
const KEPT_JOBS = 10_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const KEY_LIFETIME_MS = DAY_MS;
const MAX_KEY_LENGTH = 255;

/**
 * A job never changes: its status follows from the clock. So nothing needs a timer, and equal submissions that
 * arrive together see each other. `failed` jobs are refunded when they end; `moderated` ones are not: the page says
 * nothing about either.
 */
export class Service {
  private readonly jobs = new Map<string, Job>();
  private created = 0;
  private submissions = 0;
  private spentOnForgotten = 0;

  constructor(private readonly options: ServiceOptions) {
    this.readFile();
    this.created = this.jobs.size;
  }

  /** Repeats the job of a known key; else charges for a new one. Refusals charge nothing and remember no key. */
  submit(submission: Submission, placement: Placement): Job {
    this.submissions += 1;
    this.readFile();
    const known = this.recall(placement.idempotencyKey, submission);
    if (!known) this.checkLimits();
    const job = known ?? this.create(submission, placement.idempotencyKey);
    placement.jobs += 1;
    return job;
  }

  find(id: string): Job | undefined {
    if (!this.jobs.has(id)) this.readFile();
    return this.jobs.get(id);
  }

  inspect() {
    this.readFile();
    const now = this.options.now();
    const jobs = [...this.jobs.values()];
    return {
      charges: jobs.map(
        ({ id, idempotencyKey, creditCost, createdAtMs }): Charge => ({
          jobId: id,
          ...(idempotencyKey !== undefined && { idempotencyKey }),
          credits: creditCost,
          at: createdAtMs,
        }),
      ),
      refunds: jobs
        .filter((job) => statusAt(job, now) === 'failed')
        .map(({ id, creditCost, endsAtMs }): Refund => ({ jobId: id, credits: creditCost, at: endsAtMs })),
      jobs: jobs.map((job) => ({
        id: job.id,
        status: statusAt(job, now),
        prompt: job.submission.prompt,
        width: job.submission.width,
        height: job.submission.height,
        creditCost: job.creditCost,
      })),
      credits: this.balance(),
      submissions: this.submissions,
    };
  }

  /** What other processes have ordered; jobs that are known already stay the same objects. */
  private readFile(): void {
    for (const job of this.options.file?.read() ?? []) if (!this.jobs.has(job.id)) this.jobs.set(job.id, job);
  }

  /** Where jobs are kept for good, each day (UTC) begins with the whole balance: nobody can top it up. */
  private balance(): number {
    const { file, now, credits } = this.options;
    const today = Math.floor(now() / DAY_MS);
    const counted = [...this.jobs.values()].filter(
      ({ createdAtMs }) => file === undefined || Math.floor(createdAtMs / DAY_MS) === today,
    );
    const spent = counted.reduce((sum, job) => sum + this.spentOn(job), file === undefined ? this.spentOnForgotten : 0);
    return credits - spent;
  }

  private spentOn(job: Job): number {
    return statusAt(job, this.options.now()) === 'failed' ? 0 : job.creditCost;
  }

  private recall(key: string | undefined, submission: Submission): Job | undefined {
    if (key === undefined) return undefined;
    if (key.length > MAX_KEY_LENGTH) {
      throw new Refusal('BAD_USER_INPUT', `Idempotency-Key must not be longer than ${MAX_KEY_LENGTH} characters`);
    }
    const now = this.options.now();
    const known = [...this.jobs.values()].find(
      ({ idempotencyKey, createdAtMs }) => idempotencyKey === key && now < createdAtMs + KEY_LIFETIME_MS,
    );
    if (known && JSON.stringify(known.submission) !== JSON.stringify(submission)) {
      throw new Refusal('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for a different request');
    }
    return known;
  }

  private checkLimits(): void {
    const { limits, now } = this.options;
    const nowMs = now();
    const jobs = [...this.jobs.values()];
    const running = jobs.filter((job) => statusAt(job, nowMs) === 'processing');
    if (running.length >= limits.concurrentJobs) {
      const ends = running.flatMap(({ ending, endsAtMs }) => (ending === 'never' ? [] : endsAtMs));
      const waitSeconds = Math.max(1, Math.ceil((Math.min(...ends) - nowMs) / 1000));
      throw new Refusal('CONCURRENT_LIMIT_EXCEEDED', `The plan allows ${limits.concurrentJobs} jobs at a time`, {
        ...(ends.length > 0 && { retryAfterSeconds: waitSeconds }),
      });
    }
    const day = Math.floor(nowMs / DAY_MS);
    const today = jobs.filter(({ createdAtMs }) => Math.floor(createdAtMs / DAY_MS) === day);
    if (today.length >= limits.submissionsPerDay) {
      throw new Refusal('DAILY_LIMIT_EXCEEDED', `The plan allows ${limits.submissionsPerDay} pictures per day`, {
        retryAfterSeconds: Math.max(1, Math.ceil(((day + 1) * DAY_MS - nowMs) / 1000)),
      });
    }
  }

  private create(submission: Submission, idempotencyKey: string | undefined): Job {
    const { seed, medianJobMs, ending, now, file, onJob } = this.options;
    const creditCost = priceCredits(submission.width, submission.height);
    const creditsAvailable = this.balance();
    if (creditCost > creditsAvailable) {
      throw new Refusal('INSUFFICIENT_CREDITS', 'Insufficient credits for this operation', {
        details: { creditsRequired: creditCost, creditsAvailable },
      });
    }
    const createdAtMs = now();
    this.created += 1;
    const id = `sbx_${createHash('sha256').update(`${seed} ${this.created}`).digest('hex').slice(0, 20)}`;
    const job: Job = {
      id,
      submission,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      creditCost,
      createdAtMs,
      endsAtMs: createdAtMs + jobDurationMs(id, medianJobMs),
      ending: ending ?? endingAskedFor(submission.prompt),
    };
    this.jobs.set(id, job);
    this.forgetOldest();
    file?.write([...this.jobs.values()]);
    onJob?.(job);
    return job;
  }

  private forgetOldest(): void {
    for (const [id, job] of this.jobs) {
      if (this.jobs.size <= KEPT_JOBS) break;
      this.jobs.delete(id);
      this.spentOnForgotten += this.spentOn(job);
    }
  }
}
