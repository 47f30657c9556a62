// Owns what the service answers about a job, however it is asked.

import { type Job, type JobStatus, statusAt } from './job.ts';
import type { PictureAddresses } from './scenarios/picture-addresses.ts';
import type { Traits } from './scenarios/traits.ts';

export type JobView = ReturnType<typeof createJobView>;

export function createJobView(now: () => number, origin: () => string, traits: Traits, addresses: PictureAddresses) {
  const reason = traits.ending === undefined ? 'its prompt asks for it' : 'a scenario asks for it';
  const isoTime = (ms: number): string => new Date(ms).toISOString();

  /** Everything that any dialect may select; `metadata.error` says why a job failed (undocumented, hence in the free part). */
  const describe = (job: Job) => {
    const { width, height, version, quality, webhookUrl } = job.submission;
    const nowMs = now();
    const status = statusAt(job, nowMs);
    return {
      id: job.id,
      status: statusWord(job, nowMs, traits),
      type: 'IMAGE',
      provider: 'flux-pro',
      service: 'flux-pro',
      url: status === 'completed' ? origin() + addresses.pathOf(job) : null,
      width,
      height,
      webhookUrl: webhookUrl ?? null,
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
        ...((status === 'failed' || status === 'moderated') && {
          error: { code: status.toUpperCase(), message: `The sandbox ${status} this job because ${reason}` },
        }),
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

const shouted: Record<Exclude<JobStatus, 'processing'>, string> = {
  completed: 'SUCCEEDED',
  failed: 'ERROR',
  moderated: 'REJECTED',
};

/** The word for a job's status on the wire. */
function statusWord(job: Job, nowMs: number, { lateStatus, shoutingStatus }: Traits): string {
  const status = statusAt(job, nowMs);
  if (status !== 'processing') return shoutingStatus ? shouted[status] : status;
  const passed = (share: number): boolean => nowMs >= job.createdAtMs + share * (job.endsAtMs - job.createdAtMs);
  if (lateStatus !== undefined && passed(1 / 2)) return lateStatus;
  if (!shoutingStatus) return status;
  return passed(1 / 4) ? 'IN_PROGRESS' : 'QUEUED';
}
