// Owns what the sandbox remembers: jobs, the credits they cost, and which idempotency key stands for which job.

import { createHash } from 'node:crypto';
import { endingAskedFor, type Job, type JobEnding, jobDurationMs, statusAt } from './job.ts';
import type { PlanLimits } from './plans.ts';
import { priceCredits } from './price.ts';
import { Refusal } from './refusal.ts';
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
  /** Told of every new job. */
  onJob?: (job: Job) => void;
};

/** One request that may place orders: its key, and how many jobs it was answered with. */
export type Placement = { idempotencyKey: string | undefined; jobs: number };

const KEPT_JOBS = 5_000;
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;
const DAY_MS = KEY_LIFETIME_MS;
const MAX_KEY_LENGTH = 255;

type KeyRecord = { jobId: string; fingerprint: string; at: number };

/**
 * Everything happens between two ticks of the event loop, so equal submissions that arrive together see each other.
 * `failed` jobs are refunded when they end; `moderated` ones are not: the page says nothing of either.
 */
export class Service {
  private readonly jobs = new Map<string, Job>();
  private readonly keys = new Map<string, KeyRecord>();
  private readonly running = new Set<Job>();
  private readonly charges: Charge[] = [];
  private readonly refunds: Refund[] = [];
  private created = 0;
  private submissions = 0;
  private balance: number;
  private today = { day: Number.NaN, accepted: 0 };

  constructor(private readonly options: ServiceOptions) {
    this.balance = options.credits;
  }

  /** Repeats the job of a known key; else charges for a new one. Refusals charge nothing and remember no key. */
  submit(submission: Submission, placement: Placement): Job {
    const job = this.order(submission, placement.idempotencyKey);
    placement.jobs += 1;
    return job;
  }

  find(id: string): Job | undefined {
    return this.jobs.get(id);
  }

  inspect() {
    this.settle();
    const now = this.options.now();
    return {
      charges: this.charges.map((charge) => ({ ...charge })),
      refunds: this.refunds.map((refund) => ({ ...refund })),
      jobs: [...this.jobs.values()].map((job) => ({
        id: job.id,
        status: statusAt(job, now),
        prompt: job.submission.prompt,
        width: job.submission.width,
        height: job.submission.height,
        creditCost: job.creditCost,
      })),
      credits: this.balance,
      submissions: this.submissions,
    };
  }

  private order(submission: Submission, idempotencyKey: string | undefined): Job {
    this.submissions += 1;
    this.settle();
    const fingerprint = createHash('sha256').update(JSON.stringify(submission)).digest('hex');
    if (idempotencyKey !== undefined) {
      const known = this.recall(idempotencyKey, fingerprint);
      if (known) return known;
    }
    this.checkLimits();
    const creditCost = priceCredits(submission.width, submission.height);
    if (creditCost > this.balance) {
      throw new Refusal('INSUFFICIENT_CREDITS', 'Insufficient credits for this operation', {
        details: { creditsRequired: creditCost, creditsAvailable: this.balance },
      });
    }
    const job = this.create(submission, creditCost);
    this.charges.push({
      jobId: job.id,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      credits: creditCost,
      at: job.createdAtMs,
    });
    if (idempotencyKey !== undefined) {
      this.keys.set(idempotencyKey, { jobId: job.id, fingerprint, at: job.createdAtMs });
    }
    this.forgetOldest();
    this.options.onJob?.(job);
    return job;
  }

  private recall(key: string, fingerprint: string): Job | undefined {
    if (key.length > MAX_KEY_LENGTH) {
      throw new Refusal('BAD_USER_INPUT', `Idempotency-Key must not be longer than ${MAX_KEY_LENGTH} characters`);
    }
    const record = this.keys.get(key);
    if (!record) return undefined;
    if (this.options.now() >= record.at + KEY_LIFETIME_MS) {
      this.keys.delete(key);
      return undefined;
    }
    if (record.fingerprint !== fingerprint) {
      throw new Refusal('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for a different request');
    }
    return this.jobs.get(record.jobId);
  }

  private checkLimits(): void {
    const { limits, now } = this.options;
    const nowMs = now();
    if (this.running.size >= limits.concurrentJobs) {
      const ends = [...this.running].flatMap(({ ending, endsAtMs }) => (ending === 'never' ? [] : endsAtMs));
      const waitSeconds = Math.max(1, Math.ceil((Math.min(...ends) - nowMs) / 1000));
      throw new Refusal('CONCURRENT_LIMIT_EXCEEDED', `The plan allows ${limits.concurrentJobs} jobs at a time`, {
        ...(ends.length > 0 && { retryAfterSeconds: waitSeconds }),
      });
    }
    const day = Math.floor(nowMs / DAY_MS);
    if (this.today.day !== day) this.today = { day, accepted: 0 };
    if (this.today.accepted >= limits.submissionsPerDay) {
      throw new Refusal('DAILY_LIMIT_EXCEEDED', `The plan allows ${limits.submissionsPerDay} pictures per day`, {
        retryAfterSeconds: Math.max(1, Math.ceil(((day + 1) * DAY_MS - nowMs) / 1000)),
      });
    }
  }

  private create(submission: Submission, creditCost: number): Job {
    const { seed, medianJobMs, ending, now } = this.options;
    const createdAtMs = now();
    this.created += 1;
    const id = `sbx_${createHash('sha256').update(`${seed} ${this.created}`).digest('hex').slice(0, 20)}`;
    const job: Job = {
      id,
      submission,
      creditCost,
      createdAtMs,
      endsAtMs: createdAtMs + jobDurationMs(id, medianJobMs),
      ending: ending ?? endingAskedFor(submission.prompt),
    };
    this.jobs.set(id, job);
    this.running.add(job);
    this.today.accepted += 1;
    this.balance -= creditCost;
    return job;
  }

  /** Ends what has run its time; nothing needs a timer, because nobody can see a job between two requests. */
  private settle(): void {
    const now = this.options.now();
    for (const job of this.running) {
      if (statusAt(job, now) === 'processing') continue;
      this.running.delete(job);
      if (job.ending !== 'failed') continue;
      this.balance += job.creditCost;
      this.refunds.push({ jobId: job.id, credits: job.creditCost, at: job.endsAtMs });
    }
  }

  /** A key is forgotten with its job: only a sandbox that made thousands of jobs in a day would notice. */
  private forgetOldest(): void {
    for (const id of this.jobs.keys()) {
      if (this.jobs.size <= KEPT_JOBS) break;
      this.jobs.delete(id);
      const [oldest] = this.keys;
      if (oldest?.[1].jobId === id) this.keys.delete(oldest[0]);
    }
    if (this.charges.length > KEPT_JOBS) this.charges.shift();
    if (this.refunds.length > KEPT_JOBS) this.refunds.shift();
  }
}
