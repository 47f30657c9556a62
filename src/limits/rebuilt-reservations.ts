/** The reservations as they follow from the job records, for when they are missing, damaged or behind. */
import { isFinishedRemotely, type Job } from '../core/job.ts';
import {
  emptyReservations,
  noteJob,
  type Reservation,
  type Reservations,
  reservationsAt,
  utcDay,
} from './reservations.ts';

type FingerprintOf = (job: Job) => string;

export function reservationsOfJobs(jobs: readonly Job[], fingerprintOf: FingerprintOf, now: number): Reservations {
  let reservations = emptyReservations(now);
  for (const job of jobs.toSorted((one, other) => one.createdAt - other.createdAt)) {
    if (utcDay(job.createdAt) < reservations.day && isFinishedRemotely(job)) continue;
    reservations = { ...reservations, entries: [...reservations.entries, entryOf(job, fingerprintOf)] };
    reservations = noteJob(reservations, job, job.completedAt ?? job.updatedAt);
  }
  return reservationsAt(reservations, now);
}

/** An order that lives and has no entry (the reservations were lost before it was recorded) gets it back: it is to be paid. */
export function withEntryOf(reservations: Reservations, job: Job, fingerprintOf: FingerprintOf): Reservations {
  if (isFinishedRemotely(job) || job.state === 'unknown' || reservations.entries.some(({ id }) => id === job.id))
    return reservations;
  return { ...reservations, entries: [...reservations.entries, entryOf(job, fingerprintOf)] };
}

function entryOf(job: Job, fingerprintOf: FingerprintOf): Reservation {
  return {
    id: job.id,
    fingerprint: fingerprintOf(job),
    at: job.createdAt,
    day: utcDay(job.createdAt),
    owner: job.owner,
    maxCredits: job.credits.max,
    slot: job.state === 'submitting' || job.state === 'processing',
    ...(job.batch !== undefined && { batch: job.batch }),
    ...(job.state !== 'queued' && { slotAt: job.createdAt }),
  };
}
