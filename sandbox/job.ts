// Owns the life of one sandbox job: how long it takes, how it ends, and where it is at a time.

import { createHash } from 'node:crypto';

/** A checked order. */
export type Submission = {
  dialect: 'generate' | 'generateImage' | 'rest';
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
