// Owns what the service tells about a job, whichever way it is asked.

import { type Job, type JobStatus, statusAt } from './job.ts';
import type { PictureAddresses } from './scenarios/picture-addresses.ts';
import { statusWord } from './scenarios/status-words.ts';
import type { Traits } from './scenarios/traits.ts';

export type JobViewDeps = {
  now: () => number;
  origin: () => string;
  traits: Traits;
  addresses: PictureAddresses;
};

export type JobView = ReturnType<typeof createJobView>;

const failureVerbs: Partial<Record<JobStatus, string>> = { failed: 'failed', moderated: 'moderated' };

export function createJobView({ now, origin, traits, addresses }: JobViewDeps) {
  const reason = traits.ending === undefined ? 'its prompt asks for it' : 'a scenario asks for it';
  const isoTime = (ms: number): string => new Date(ms).toISOString();

  /** Everything that any dialect may select; `metadata.error` says why a job failed (undocumented, hence in the free part). */
  const describe = (job: Job) => {
    const { width, height, version, quality, webhookUrl } = job.submission;
    const nowMs = now();
    const status = statusAt(job, nowMs);
    const verb = failureVerbs[status];
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
        ...(verb !== undefined && {
          error: { code: status.toUpperCase(), message: `The sandbox ${verb} this job because ${reason}` },
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
