// Owns the life of a sandbox job (how long it takes, how it ends, where it is at a time), and the file that keeps jobs.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Ways to order. Those of GraphQL are called like their mutations. */
export const DIALECTS = ['generate', 'generateImage', 'rest'] as const;

/** A checked order. */
export type Submission = {
  dialect: (typeof DIALECTS)[number];
  prompt: string;
  width: number;
  height: number;
  version?: string;
  quality?: string;
  webhookUrl?: string;
};

export type JobStatus = 'processing' | 'completed' | 'failed' | 'moderated';
/** `never`: it stays in processing. */
export type JobEnding = Exclude<JobStatus, 'processing'> | 'never';

export type Job = {
  id: string;
  submission: Submission;
  idempotencyKey?: string | undefined;
  creditCost: number;
  createdAtMs: number;
  /** Of a job that never ends: when it should have. */
  endsAtMs: number;
  ending: JobEnding;
};

/** The same job always takes the same time, up to 15 % less or more than the median. */
export function jobDurationMs(id: string, medianMs: number): number {
  const chance = createHash('sha256').update(id).digest().readUInt32LE(0) / 2 ** 32;
  return Math.round(medianMs * (1 + 0.15 * (2 * chance - 1)));
}

/** A prompt that contains one of these words makes its job end so, whatever the case of the letters. */
export function endingAskedFor(prompt: string): JobEnding {
  const text = prompt.toLowerCase();
  if (text.includes('sandbox:fail')) return 'failed';
  return text.includes('sandbox:moderated') ? 'moderated' : 'completed';
}

export function statusAt(job: Job, nowMs: number): JobStatus {
  return job.ending === 'never' || nowMs < job.endsAtMs ? 'processing' : job.ending;
}

/** As many as the largest daily limit, which is counted by them. */
const KEPT_JOBS = 10_000;

/** Nothing where the file is not there, or cannot be read: then the sandbox begins again. */
export function readJobs(path: string): Job[] {
  const kept = attempt(() => JSON.parse(readFileSync(path, 'utf8')) as { jobs: unknown } | null);
  return Array.isArray(kept?.jobs) ? kept.jobs.filter(isJob) : [];
}

/** Whole or not at all for every reader. What cannot be written stays known to this process. */
export function writeJobs(path: string, jobs: readonly Job[]): void {
  const part = `${path}.${randomBytes(5).toString('hex')}.part`;
  attempt(() => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Readable by the user alone: there are prompts in it.
    writeFileSync(part, JSON.stringify({ jobs: jobs.slice(-KEPT_JOBS) }), { mode: 0o600, flush: true });
    renameSync(part, path);
  });
  attempt(() => rmSync(part, { force: true }));
}

/** The sandbox is there for trying things out: a disk that refuses is no reason to refuse an order. */
function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function isJob(value: unknown): value is Job {
  const { id, submission, endsAtMs } = Object(value) as Partial<Job>;
  return typeof id === 'string' && typeof submission?.prompt === 'string' && Number.isFinite(endsAtMs);
}
