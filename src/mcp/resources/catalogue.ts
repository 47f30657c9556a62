/** All resources: what is listed, page by page, and which file reads what. */

import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ProtocolError,
  ReadResourceResult,
} from '@modelcontextprotocol/server';
import { FluxError } from '../../core/failure.ts';
import type { Job } from '../../core/job.ts';
import { pageOfJobs } from '../../core/job-page.ts';
import { redactValues } from '../../core/redaction.ts';
import type { McpDeps } from '../mcp-deps.ts';
import { constant } from '../protocol-eras.ts';
import { invalidParams, unknownCursor } from '../protocol-errors.ts';
import { notThere } from './contents.ts';
import { GUIDE_RESOURCE, readGuide } from './guide.ts';
import { describeImage, IMAGE_TEMPLATE, readImage } from './images.ts';
import { describeJob, JOB_TEMPLATE, readJob } from './jobs.ts';
import { LIMITS_RESOURCE, readLimits } from './limits.ts';
import { GUIDE_URI, IMAGE_URI_PREFIX, JOB_URI_PREFIX, LIMITS_URI, VIEWER_URI } from './uris.ts';
import { readViewer } from './viewer.ts';

const JOBS_PER_PAGE = 50;
const URI_MAX_CHARACTERS = 500;
const WHERE_TO_FIND = 'resources/list and resources/templates/list list what there is';

export const TEMPLATES: ListResourceTemplatesResult = { resourceTemplates: [IMAGE_TEMPLATE, JOB_TEMPLATE] };

/**
 * Fixed resources first, then jobs and their pictures, newest first.
 * @throws ProtocolError (-32602) for a cursor that no page has given
 */
export async function listResources(deps: McpDeps, cursor?: string): Promise<ListResourcesResult> {
  const page = pageOfJobs(await jobsOnRecord(deps), JOBS_PER_PAGE, cursor);
  if (page === undefined) throw unknownCursor('resources/list', cursor ?? '', deps.redact);
  const listed = redactValues(page.jobs, deps.redact).flatMap((job) =>
    job.state === 'saved' ? [describeImage(job), describeJob(job)] : [describeJob(job)],
  );
  return {
    resources: cursor === undefined ? [LIMITS_RESOURCE, GUIDE_RESOURCE, ...listed] : listed,
    ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
  };
}

/** Hosts list resources when they start: an unreadable key or folder, which a call would report, is no error here. */
export async function jobsOnRecord(deps: McpDeps): Promise<readonly Job[]> {
  try {
    // A list does not start the built-in sandbox, whose jobs are listed once a call has started it.
    const jobs = deps.sandbox ? deps.startedJobs() : await deps.jobs();
    return (await jobs?.list()) ?? [];
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    deps.log.warn('jobs could not be listed', { error: error.message });
    return [];
  }
}

/**
 * @param protocolVersion what the connection speaks
 * @throws ResourceNotFoundError for a name that no resource has
 */
export async function readResource(
  uri: string,
  deps: McpDeps,
  protocolVersion: string | undefined,
): Promise<ReadResourceResult> {
  // No resource has such a name, and the error for a missing one would repeat it in full.
  const shown = deps.redact(uri, URI_MAX_CHARACTERS);
  if (shown !== uri) throw invalidParams(notThere(shown, WHERE_TO_FIND).message);
  if (uri === LIMITS_URI) return readLimits(deps);
  if (uri === GUIDE_URI) return constant(readGuide(), protocolVersion);
  if (uri === VIEWER_URI) return constant(await readViewer(deps), protocolVersion);
  if (uri.startsWith(IMAGE_URI_PREFIX)) return readImage(uri, deps);
  if (uri.startsWith(JOB_URI_PREFIX)) return readJob(uri, deps);
  throw notThere(uri, WHERE_TO_FIND);
}

/** The error for a resource that cannot be subscribed to. */
export function cannotSubscribe(uri: string): ProtocolError {
  const why = 'jobs and images on record can be subscribed to, as flux://jobs/{job_id} and flux://images/{job_id}';
  if (![LIMITS_URI, GUIDE_URI, VIEWER_URI].includes(uri)) return notThere(uri, why);
  return invalidParams(`${uri} cannot be subscribed to: ${why}.`);
}
