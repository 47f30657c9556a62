// Owns the addresses of pictures: which one a job has, and how it is served.

import { createHash } from 'node:crypto';
import type { Job } from '../job.ts';
import type { ScenarioName } from './table.ts';
import type { Traits } from './traits.ts';

/** `refusedWith` is the status where the address has expired. */
export type PictureAccess = { contentType: string; fault?: ScenarioName; refusedWith?: 403 | 410 };

export type PictureAddresses = ReturnType<typeof createPictureAddresses>;

/** The signature and the oddities of a job follow from the seed and its id alone. */
export function createPictureAddresses({ expiringUrls, wrongContentType }: Traits, seed: string) {
  /** Jobs whose first address was fetched. */
  const expired = new WeakSet<Job>();

  const digest = (purpose: string, job: Job): Buffer =>
    createHash('sha256').update(`${seed} ${purpose} ${job.id}`).digest();
  const coin = (purpose: string, job: Job): boolean => digest(purpose, job).readUInt8(0) < 128;
  const signature = (job: Job, isFresh: boolean): string =>
    digest(isFresh ? 'fresh' : 'first', job)
      .toString('hex')
      .slice(0, 32);

  return {
    pathOf(job: Job): string {
      const path = `/outputs/${job.id}.jpg`;
      return expiringUrls ? `${path}?signature=${signature(job, expired.has(job))}` : path;
    },

    /** Whoever comes with an address that is not the fresh one is refused; after that the job has the fresh one. */
    open(job: Job, given: string | null): PictureAccess {
      if (expiringUrls && given !== signature(job, true)) {
        expired.add(job);
        return { contentType: '', fault: 'expired-url', refusedWith: coin('expired', job) ? 403 : 410 };
      }
      if (!wrongContentType) return { contentType: 'image/jpeg' };
      const contentType = coin('type', job) ? 'text/html; charset=utf-8' : 'application/octet-stream';
      return { contentType, fault: 'wrong-content-type' };
    },
  };
}
