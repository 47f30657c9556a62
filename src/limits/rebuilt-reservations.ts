/** The account as the records of jobs tell it, for when its own file is missing, damaged or behind. */

import { isEnded, type Job } from '../core/job.ts';
import { type Account, type AccountEntry, accountAt, emptyAccount, noteJob, utcDay } from './reservations.ts';

/** The account that the records tell, for when its own file is missing or damaged. */
export function accountOfJobs(jobs: readonly Job[], fingerprintOf: (job: Job) => string, now: number): Account {
  let account = emptyAccount(now);
  for (const job of jobs.toSorted((one, other) => one.createdAt - other.createdAt)) {
    if (utcDay(job.createdAt) < account.day && isEnded(job)) continue;
    account = { ...account, entries: [...account.entries, entryOf(job, fingerprintOf)] };
    account = noteJob(account, job, job.completedAt ?? job.updatedAt);
  }
  return accountAt(account, now);
}

/** An order that lives and has no entry (the file was lost before it was recorded) gets it back: it is to be paid. */
export function withEntryOf(account: Account, job: Job, fingerprintOf: (job: Job) => string): Account {
  if (isEnded(job) || job.state === 'unknown' || account.entries.some(({ id }) => id === job.id)) return account;
  return { ...account, entries: [...account.entries, entryOf(job, fingerprintOf)] };
}

function entryOf(job: Job, fingerprintOf: (job: Job) => string): AccountEntry {
  return {
    id: job.id,
    fingerprint: fingerprintOf(job),
    at: job.createdAt,
    day: utcDay(job.createdAt),
    owner: job.owner,
    maxCredits: job.credits.max,
    place: job.state === 'submitting' || job.state === 'processing',
    ...(job.batch === undefined ? {} : { batch: job.batch }),
    ...(job.state === 'queued' ? {} : { placedAt: job.createdAt }),
  };
}
