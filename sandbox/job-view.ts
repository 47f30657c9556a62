// Owns what the service answers about a job, however it is asked, and the addresses of its picture.

import { createHash } from 'node:crypto';
import { type Job, statusAt } from './job.ts';
import type { Traits } from './scenarios.ts';

export type PictureAddresses = ReturnType<typeof createPictureAddresses>;

/** The signature and the oddities of a job follow from the seed and its id alone. */
export function createPictureAddresses(origin: () => string, { expiringUrls }: Traits, seed: string) {
  /** The ids of jobs whose first address was fetched. */
  const expired = new Set<string>();
  const digest = (purpose: string, id: string): Buffer =>
    createHash('sha256').update(`${seed} ${purpose} ${id}`).digest();
  const signature = (purpose: string, id: string): string => digest(purpose, id).toString('hex').slice(0, 32);

  return {
    urlOf(id: string): string {
      const url = `${origin()}/outputs/${id}.jpg`;
      return expiringUrls ? `${url}?signature=${signature(expired.has(id) ? 'fresh' : 'first', id)}` : url;
    },

    /** Whoever comes with an address that is not the fresh one is refused; after that the job has the fresh one. */
    refuses(id: string, given: string | null): boolean {
      if (!expiringUrls || given === signature('fresh', id)) return false;
      expired.add(id);
      return true;
    },

    choose: <Choice>(purpose: string, id: string, choices: readonly [Choice, Choice]): Choice =>
      digest(purpose, id).readUInt8(0) < 128 ? choices[0] : choices[1],
  };
}

const isoTime = (ms: number): string => new Date(ms).toISOString();

export type JobView = ReturnType<typeof createJobView>;

export function createJobView(now: () => number, traits: Traits, addresses: PictureAddresses) {
  const reason = traits.ending === undefined ? 'its prompt asks for it' : 'a scenario asks for it';

  /** Everything that any dialect may select; `metadata.error` says why a job failed (undocumented, hence in the free part). */
  const describe = (job: Job) => {
    const { width, height, version, quality, webhookUrl = null } = job.submission;
    const status = statusAt(job, now());
    const error = { code: status.toUpperCase(), message: `The sandbox ${status} this job because ${reason}` };
    return {
      id: job.id,
      status: statusWord(job, now(), traits),
      type: 'IMAGE',
      provider: 'flux-pro',
      service: 'flux-pro',
      url: status === 'completed' ? addresses.urlOf(job.id) : null,
      width,
      height,
      webhookUrl,
      /** Null in the page's examples too: pictures have none. */
      duration: null,
      creditCost: job.creditCost,
      createdAt: isoTime(job.createdAtMs),
      metadata: {
        duration: null,
        width,
        height,
        ...(version !== undefined && { version }),
        ...(quality !== undefined && { quality }),
        ...((status === 'failed' || status === 'moderated') && { error }),
      },
    };
  };

  /** The documented body of a webhook, about a job that has ended. */
  const announce = (job: Job) => {
    const { id, status, url, service, createdAt, metadata } = describe(job);
    const { version: _version, quality: _quality, ...reported } = metadata;
    return { id, status, url, service, createdAt, completedAt: isoTime(job.endsAtMs), metadata: reported };
  };

  return { describe, announce };
}

const shouted = { completed: 'SUCCEEDED', failed: 'ERROR', moderated: 'REJECTED' };

/** The word for a job's status on the wire. */
function statusWord(job: Job, nowMs: number, { lateStatus, shoutingStatus }: Traits): string {
  const status = statusAt(job, nowMs);
  if (status !== 'processing') return shoutingStatus ? shouted[status] : status;
  const share = (nowMs - job.createdAtMs) / (job.endsAtMs - job.createdAtMs);
  if (lateStatus !== undefined && share >= 1 / 2) return lateStatus;
  if (!shoutingStatus) return status;
  return share >= 1 / 4 ? 'IN_PROGRESS' : 'QUEUED';
}
