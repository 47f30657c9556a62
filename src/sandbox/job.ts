// Owns one sandbox job: how long it takes, how it ends, and what the service tells about it.

import { createHash } from 'node:crypto';
import type { Submission } from './submission.ts';

export type JobStatus = 'processing' | 'completed' | 'failed' | 'moderated';

export type Job = {
  id: string;
  submission: Submission;
  creditCost: number;
  createdAtMs: number;
  endsAtMs: number;
};

/** How far a job's duration strays from the median, in both directions. */
const DURATION_SPREAD = 0.15;

/** The triggers: a prompt that contains one of these words makes its job end so, whatever the case of the letters. */
const endings: readonly (readonly [string, JobStatus])[] = [
  ['sandbox:fail', 'failed'],
  ['sandbox:moderated', 'moderated'],
];

const failureMessages: Partial<Record<JobStatus, string>> = {
  failed: 'The sandbox failed this job because its prompt asks for it',
  moderated: 'The sandbox moderated this job because its prompt asks for it',
};

/** The same job always takes the same time. */
export function jobDurationMs(id: string, medianMs: number): number {
  const chance = createHash('sha256').update(id).digest().readUInt32LE(0) / 2 ** 32;
  return Math.round(medianMs * (1 + DURATION_SPREAD * (2 * chance - 1)));
}

export function endingOf(job: Job): JobStatus {
  const prompt = job.submission.prompt.toLowerCase();
  return endings.find(([trigger]) => prompt.includes(trigger))?.[1] ?? 'completed';
}

export function statusAt(job: Job, nowMs: number): JobStatus {
  return nowMs < job.endsAtMs ? 'processing' : endingOf(job);
}

/** Everything that any dialect may select; `metadata.error` says why a job failed (undocumented, hence in the free part). */
export function describeJob(job: Job, nowMs: number, origin: string) {
  const { width, height, version, quality, webhookUrl } = job.submission;
  const status = statusAt(job, nowMs);
  const failure = failureMessages[status];
  return {
    id: job.id,
    status,
    type: 'IMAGE',
    provider: 'flux-pro',
    service: 'flux-pro',
    url: status === 'completed' ? `${origin}/outputs/${job.id}.jpg` : null,
    width,
    height,
    webhookUrl: webhookUrl ?? null,
    /** Null in the page's examples too: pictures have none. */
    duration: null,
    creditCost: job.creditCost,
    createdAt: new Date(job.createdAtMs).toISOString(),
    metadata: {
      duration: null,
      width,
      height,
      ...(version !== undefined && { version }),
      ...(quality !== undefined && { quality }),
      ...(failure !== undefined && { error: { code: status.toUpperCase(), message: failure } }),
    },
  };
}
