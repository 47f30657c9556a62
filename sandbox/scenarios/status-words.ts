// Owns the word for a job's status on the wire.

import { type Job, type JobStatus, statusAt } from '../job.ts';
import type { Traits } from './traits.ts';

const shouted: Record<Exclude<JobStatus, 'processing'>, string> = {
  completed: 'SUCCEEDED',
  failed: 'ERROR',
  moderated: 'REJECTED',
};

export function statusWord(
  job: Job,
  nowMs: number,
  { lateStatus, shoutingStatus }: Pick<Traits, 'lateStatus' | 'shoutingStatus'>,
): string {
  const status = statusAt(job, nowMs);
  if (status !== 'processing') return shoutingStatus ? shouted[status] : status;
  const passed = (share: number): boolean => nowMs >= job.createdAtMs + share * (job.endsAtMs - job.createdAtMs);
  if (lateStatus !== undefined && passed(1 / 2)) return lateStatus;
  if (!shoutingStatus) return status;
  return passed(1 / 4) ? 'IN_PROGRESS' : 'QUEUED';
}
