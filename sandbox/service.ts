// Owns what the sandbox remembers: its jobs, from which charges, refunds, keys, limits and the balance follow.

import { createHash } from 'node:crypto';
import { Refusal, tooMany } from './http.ts';
import {
  endingAskedFor,
  type Job,
  type JobEnding,
  jobDurationMs,
  readJobs,
  type Submission,
  statusAt,
  writeJobs,
} from './job.ts';
import type { PlanLimits } from './limits.ts';

type ServiceOptions = {
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

export type Service = ReturnType<typeof createService>;

/**
 * A job never changes: its status follows from the clock. So nothing needs a timer, and equal submissions that
 * arrive together see each other. `failed` jobs are refunded when they end; `moderated` ones are not: the page says
 * nothing about either.
 */
export function createService(options: ServiceOptions) {
  const { limits, credits, medianJobMs, now, seed, ending, stateFile, onJob } = options;
  const jobs = new Map<string, Job>();
  /** Valid submissions that arrived: repeated and refused ones count, rate-limited ones do not. */
  let submissions = 0;

  /** Takes over what other processes have ordered. */
  function readFile(): void {
    if (stateFile !== undefined) for (const job of readJobs(stateFile)) jobs.set(job.id, job);
  }

  const jobsThat = (fits: (job: Job) => boolean): Job[] => [...jobs.values()].filter(fits);
  const isOfToday = ({ createdAtMs }: Job): boolean => dayOf(createdAtMs) === dayOf(now());
  const isFailed = (job: Job): boolean => statusAt(job, now()) === 'failed';

  /** Where jobs are kept for good, each day (UTC) begins with the whole balance: nobody can top it up. */
  function balance(): number {
    const charged = jobsThat((job) => !isFailed(job) && (stateFile === undefined || isOfToday(job)));
    return charged.reduce((left, { creditCost }) => left - creditCost, credits);
  }

  function recall(key: string, submission: Submission): Job | undefined {
    if (key.length > MAX_KEY_LENGTH)
      throw new Refusal(400, 'BAD_USER_INPUT', `Idempotency-Key must not be longer than ${MAX_KEY_LENGTH} characters`);
    const [known] = jobsThat((job) => job.idempotencyKey === key && now() < job.createdAtMs + DAY_MS);
    if (known && JSON.stringify(known.submission) !== JSON.stringify(submission))
      throw new Refusal(400, 'IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for a different request');
    return known;
  }

  function checkLimits(): void {
    const { concurrentJobs, submissionsPerDay } = limits;
    const running = jobsThat((job) => statusAt(job, now()) === 'processing');
    if (running.length >= concurrentJobs) {
      const ends = running.map((job) => (job.ending === 'never' ? Number.POSITIVE_INFINITY : job.endsAtMs));
      const words = `The plan allows ${concurrentJobs} jobs at a time`;
      throw tooMany('CONCURRENT_LIMIT_EXCEEDED', words, Math.min(...ends) - now());
    }
    if (jobsThat(isOfToday).length >= submissionsPerDay) {
      const words = `The plan allows ${submissionsPerDay} pictures per day`;
      throw tooMany('DAILY_LIMIT_EXCEEDED', words, DAY_MS - (now() % DAY_MS));
    }
  }

  function create(submission: Submission, idempotencyKey: string | undefined): Job {
    const creditCost = priceCredits(submission.width, submission.height);
    const creditsAvailable = balance();
    if (creditCost > creditsAvailable) {
      const details = { creditsRequired: creditCost, creditsAvailable };
      throw new Refusal(402, 'INSUFFICIENT_CREDITS', 'Insufficient credits for this operation', details);
    }
    const createdAtMs = now();
    const digest = createHash('sha256').update(`${seed} ${jobs.size + 1}`);
    const id = `sbx_${digest.digest('hex').slice(0, 20)}`;
    const job: Job = {
      id,
      submission,
      idempotencyKey,
      creditCost,
      createdAtMs,
      endsAtMs: createdAtMs + jobDurationMs(id, medianJobMs),
      ending: ending ?? endingAskedFor(submission.prompt),
    };
    jobs.set(id, job);
    if (stateFile !== undefined) writeJobs(stateFile, [...jobs.values()]);
    onJob(job);
    return job;
  }

  return {
    /** Repeats the job of a known key; else charges for a new one. Refusals charge nothing and remember no key. */
    submit(submission: Submission, idempotencyKey: string | undefined): Job {
      submissions += 1;
      readFile();
      const known = idempotencyKey === undefined ? undefined : recall(idempotencyKey, submission);
      if (known) return known;
      checkLimits();
      return create(submission, idempotencyKey);
    },

    find(id: string): Job | undefined {
      if (!jobs.has(id)) readFile();
      return jobs.get(id);
    },

    /** For tests. A charge is refunded when its job fails, not when it is moderated. */
    inspect() {
      readFile();
      const all = [...jobs.values()];
      const entryOf = ({ id, creditCost }: Job) => ({ jobId: id, credits: creditCost });
      return {
        charges: all.map((job) => ({ ...entryOf(job), idempotencyKey: job.idempotencyKey, at: job.createdAtMs })),
        refunds: jobsThat(isFailed).map((job) => ({ ...entryOf(job), at: job.endsAtMs })),
        jobs: all.map((job) => {
          const { prompt, width, height } = job.submission;
          return { id: job.id, status: statusAt(job, now()), prompt, width, height, creditCost: job.creditCost };
        }),
        credits: balance(),
        submissions,
      };
    },
  };
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
