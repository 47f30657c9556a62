/** Which job an order finds that is equal to an earlier one: whether a host received an answer cannot be known. */
import { isWithin, type Job } from '../core/job.ts';
import type { Times } from '../core/ports.ts';

const HOUR_MS = 60 * 60_000;

/** For how long an order is found that is open or of unknown outcome: it may be charged at any moment. */
export const openFoundMs = (hours = 24): number => Math.max(hours, 24) * HOUR_MS;

/** Equal orders are searched for since then; a picture that was saved more than a day after its order has a hint. */
export const foundSince = (hours: number, { here, there = here }: Times): number =>
  Math.min(here, there) - openFoundMs(hours) - 24 * HOUR_MS;

/**
 * Whether an equal order finds this job instead of a new picture. A failed one is in the way only if it was moderated:
 * the same prompt would be paid for and refused again.
 * @param hours from when its picture was saved (`FLUX_DUPLICATE_HOURS`)
 */
export function isDuplicate(job: Job, hours: number, times: Times): boolean {
  const windowMs = hours * HOUR_MS;
  if (job.state === 'saved') return isWithin(job.savedAt ?? job.updatedAt, windowMs, times);
  if (job.state === 'failed') return job.failure?.kind === 'moderated' && isWithin(job.createdAt, windowMs, times);
  return isWithin(job.createdAt, openFoundMs(hours), times);
}
