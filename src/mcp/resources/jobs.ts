/** Jobs on record: `flux://jobs/{job_id}`, the job object as JSON. Reading one does not resume it. */

import type { ListResourcesResult, ReadResourceResult } from '@modelcontextprotocol/server';
import type { Job } from '../../core/job.ts';
import { redactValues } from '../../core/redaction.ts';
import { cleanLine } from '../../core/untrusted-text.ts';
import { jobView, statusOf } from '../job-view.ts';
import type { McpDeps } from '../mcp-deps.ts';
import { jsonContents, notThere } from './contents.ts';
import { JOB_URI_PREFIX, jobIdOf, jobUri } from './uris.ts';

export const JOB_TEMPLATE = {
  uriTemplate: `${JOB_URI_PREFIX}{job_id}`,
  name: 'job',
  title: 'An image job',
  description: 'The record of an order: status, file, URL, credits and what to do next. Clients can subscribe to it.',
  mimeType: 'application/json',
};

export function describeJob(job: Job): ListResourcesResult['resources'][number] {
  return {
    uri: jobUri(job.id),
    name: job.id,
    title: `Job (${statusOf(job.state)}): ${cleanLine(job.request.prompt, 60)}`,
    mimeType: 'application/json',
    annotations: { audience: ['assistant'], lastModified: new Date(job.updatedAt).toISOString() },
  };
}

/** @throws ResourceNotFoundError for an unknown id */
export async function readJob(uri: string, deps: McpDeps): Promise<ReadResourceResult> {
  const jobs = await deps.jobs();
  const job = await jobs.find(jobIdOf(uri) ?? '');
  if (job === undefined) throw notThere(uri, 'list_jobs lists the ids of all jobs on record');
  const view = jobView(redactValues(job, deps.redact), { ...jobs.settings, now: deps.clock.now() });
  return jsonContents(uri, view);
}
