/** Jobs as a list has them: some in every state, and a batch. */
import type { Job } from '../../src/core/job.ts';
import { idAt } from '../../src/runtime/system.ts';
import { failureOf } from './failures.ts';
import { jobIn, NOW } from './jobs.ts';

const MINUTE_MS = 60_000;
const PICTURES = '/home/user/Pictures/flux-pro/2026-11';

/** With an id by its time, so that it stands where a list has it. */
export function jobAt(minutesAgo: number, state: Job['state'], prompt: string, patch: Partial<Job> = {}): Job {
  const at = NOW - minutesAgo * MINUTE_MS;
  const id = patch.id ?? idAt(at, 'abcdefghijk');
  const job = jobIn(state, { createdAt: at, updatedAt: at + 30_000, id, ...patch });
  const name = prompt
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '-')
    .slice(0, 30);
  const file = job.file !== undefined && { file: `${PICTURES}/${name}_${id}.jpg` };
  return { ...job, ...file, request: { ...job.request, prompt } };
}

export const SAVED = jobAt(12, 'saved', 'Lighthouse at dusk, watercolour');
export const PROCESSING = jobAt(1, 'processing', 'Fox asleep in fresh snow');
const INTERRUPTED = jobAt(40, 'failed', 'Teapot on a windowsill', { failure: failureOf('owner_ended') });

function batchJobs(): Job[] {
  const batch = `batch_${idAt(NOW - 5 * MINUTE_MS, 'abcdefghij0').slice('job_'.length)}`;
  const states = ['saved', 'processing', 'failed'] as const;
  return states.map((state, at) => {
    const id = idAt(NOW - 5 * MINUTE_MS, `abcdefghij${9 - at}`);
    const failure = state === 'failed' && { failure: failureOf('job_without_picture') };
    return jobAt(5, state, `Icon ${at + 1}: a paper plane`, { id, batch, number: at + 1, ...failure });
  });
}

export const EVERY_STATE: readonly Job[] = [
  jobAt(0, 'queued', 'Bowl of ramen, steam rising'),
  jobAt(0.5, 'submitting', 'Robot watering plants', { id: idAt(NOW - 30_000, 'abcdefghijk') }),
  PROCESSING,
  ...batchJobs(),
  jobAt(8, 'completed', 'Harbour in fog', { failure: failureOf('picture_transfer_broke') }),
  SAVED,
  jobAt(30, 'processing', 'Clockmaker at her workbench'),
  INTERRUPTED,
  jobAt(95, 'unknown', 'Old bridge in autumn', { failure: failureOf('no_answer') }),
];
