// Owns what the service answers about a job, however it is asked.

import { type Job, statusAt } from './job.ts';
import type { Scenarios } from './scenarios.ts';

const isoTime = (ms: number): string => new Date(ms).toISOString();

export type JobView = ReturnType<typeof createJobView>;

export function createJobView(now: () => number, scenarios: Scenarios, urlOf: (id: string) => string) {
  const isForced = scenarios.has('moderated') || scenarios.has('failing');
  const reason = isForced ? 'a scenario asks for it' : 'its prompt asks for it';

  /** Everything that any dialect may select. */
  const describe = (job: Job) => {
    const { width, height, version, quality, webhookUrl = null } = job.submission;
    const status = statusAt(job, now());
    const error = { code: status.toUpperCase(), message: `The sandbox ${status} this job because ${reason}` };
    return {
      id: job.id,
      status: statusWord(job, now(), scenarios),
      type: 'IMAGE',
      provider: 'flux-pro',
      service: 'flux-pro',
      url: status === 'completed' ? urlOf(job.id) : null,
      width,
      height,
      webhookUrl,
      /** Null in the page's examples too: pictures have none. */
      duration: null,
      creditCost: job.creditCost,
      createdAt: isoTime(job.createdAtMs),
      /** Its content is not documented; JSON leaves out what is undefined. */
      metadata: {
        duration: null,
        width,
        height,
        version,
        quality,
        error: status === 'failed' || status === 'moderated' ? error : undefined,
      },
    };
  };

  /** The documented body of a webhook, about a job that has ended. */
  const announce = (job: Job) => {
    const { id, status, url, service, createdAt, metadata } = describe(job);
    const reported = { ...metadata, version: undefined, quality: undefined };
    return { id, status, url, service, createdAt, completedAt: isoTime(job.endsAtMs), metadata: reported };
  };

  return { describe, announce };
}

const shouted = { completed: 'SUCCEEDED', failed: 'ERROR', moderated: 'REJECTED' };

/** The word for a job's status on the wire. */
function statusWord(job: Job, nowMs: number, scenarios: Scenarios): string {
  const status = statusAt(job, nowMs);
  const isShouting = scenarios.has('shouting-status');
  if (status !== 'processing') return isShouting ? shouted[status] : status;
  const share = (nowMs - job.createdAtMs) / (job.endsAtMs - job.createdAtMs);
  if (scenarios.has('unknown-status') && share >= 1 / 2) return 'POSTPROCESSING_v2';
  if (!isShouting) return status;
  return share >= 1 / 4 ? 'IN_PROGRESS' : 'QUEUED';
}
