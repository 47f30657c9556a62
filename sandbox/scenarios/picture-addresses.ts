// Owns the addresses of pictures: which one a job tells, and how it is served.

import { createHash } from 'node:crypto';
import type { Job } from '../job.ts';
import type { ScenarioName } from './table.ts';
import type { Traits } from './traits.ts';

/** `serve`: the picture, under this type. `refuse`: the address has expired. */
export type PictureAccess =
  | { decision: 'serve'; contentType: string; fault?: ScenarioName }
  | { decision: 'refuse'; status: 403 | 410; fault: ScenarioName };

/** The signature and the oddities of a job follow from the seed and its id alone. */
export class PictureAddresses {
  /** Jobs whose first address was fetched. */
  private readonly expired = new WeakSet<Job>();

  constructor(
    private readonly traits: Pick<Traits, 'expiringUrls' | 'wrongContentType'>,
    private readonly seed: string,
  ) {}

  pathOf(job: Job): string {
    const path = `/outputs/${job.id}.jpg`;
    return this.traits.expiringUrls ? `${path}?signature=${this.signature(job, this.expired.has(job))}` : path;
  }

  /** Whoever comes with an address that is not the fresh one is refused, and makes the job tell the fresh one. */
  open(job: Job, signature: string | null): PictureAccess {
    if (this.traits.expiringUrls && signature !== this.signature(job, true)) {
      this.expired.add(job);
      return { decision: 'refuse', status: this.coin(job, 'expired') ? 403 : 410, fault: 'expired-url' };
    }
    if (!this.traits.wrongContentType) return { decision: 'serve', contentType: 'image/jpeg' };
    const contentType = this.coin(job, 'type') ? 'text/html; charset=utf-8' : 'application/octet-stream';
    return { decision: 'serve', contentType, fault: 'wrong-content-type' };
  }

  private signature(job: Job, isFresh: boolean): string {
    return this.digest(`${isFresh ? 'fresh' : 'first'} ${job.id}`)
      .toString('hex')
      .slice(0, 32);
  }

  private coin(job: Job, purpose: string): boolean {
    return this.digest(`${purpose} ${job.id}`).readUInt8(0) < 128;
  }

  private digest(text: string): Buffer {
    return createHash('sha256').update(`${this.seed} ${text}`).digest();
  }
}
