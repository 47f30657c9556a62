/** What a host can read next to the tools: limits, the guide, the viewer's page, and each job and its picture. */
import { type ListResourcesResult, type ReadResourceResult, ResourceNotFoundError } from '@modelcontextprotocol/server';
import { FluxError } from '../core/failure.ts';
import { type Job, orderedSize, sizeOf } from '../core/job.ts';
import { type JobPage, type PageOptions, pageOfJobs } from '../core/job-store.ts';
import { redactValues } from '../core/redaction.ts';
import { cleanLine, fencedWithout } from '../core/untrusted-text.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import { IMAGE_SIDE_MAX_PX } from './hosts.ts';
import { jobView, sizeText, statusOf } from './job-view.ts';
import { guideText } from './prompts.ts';
import { CONSTANT, invalidParams, JULY_2026, named, unknownCursor } from './protocol.ts';
import { base64Of, bytesWithin } from './result.ts';
import type { McpDeps } from './tool.ts';
import { limitsView } from './tools/check-rate-limits.ts';
import { parseJobUri, URI, VIEWER_META, VIEWER_MIME_TYPE } from './uris.ts';

type Resource = ListResourcesResult['resources'][number];

const JSON_TYPE = 'application/json';
const JOBS_PER_PAGE = 50;
/** Claude Desktop refuses answers over 1,048,576 characters; what fits there fits everywhere. */
const MAX_BYTES = bytesWithin(900_000);

export const FIXED_RESOURCES: readonly Resource[] = [
  {
    uri: URI.limits,
    name: 'limits',
    title: 'Limits and credits',
    description: "The plan, how much of its limits is in use, today's budget, and the last known balance.",
    mimeType: JSON_TYPE,
    annotations: { audience: ['assistant'] },
  },
  {
    uri: URI.guide,
    name: 'prompting-guide',
    title: 'How to write a prompt',
    description: 'What a prompt for Flux Pro should say, with examples of each part.',
    mimeType: 'text/markdown',
    annotations: { audience: ['assistant'] },
  },
];

export const TEMPLATES = {
  resourceTemplates: [
    {
      uriTemplate: `${URI.images}{job_id}`,
      name: 'image',
      title: 'A finished picture',
      description:
        'The saved picture of a job, in its original size and type; one that is too large for hosts comes as a smaller JPEG.',
    },
    {
      uriTemplate: `${URI.jobs}{job_id}`,
      name: 'job',
      title: 'An image job',
      description:
        'The record of an order: status, file, URL, credits and what to do next. Clients can subscribe to it.',
      mimeType: JSON_TYPE,
    },
  ],
};

/** Fixed resources first, then jobs and their pictures, newest first. */
export async function listResources(deps: McpDeps, cursor?: string): Promise<ListResourcesResult> {
  const page = await jobsOnRecord(deps, { limit: JOBS_PER_PAGE, cursor });
  if (page === undefined) throw unknownCursor('resources/list', cursor ?? '', deps.redact);
  const listed = redactValues(page.jobs, deps.redact).flatMap((job) =>
    job.state === 'saved' ? [describeImage(job), describeJob(job)] : [describeJob(job)],
  );
  return { resources: cursor === undefined ? [...FIXED_RESOURCES, ...listed] : listed, nextCursor: page.nextCursor };
}

/** Hosts list resources when they start: an unreadable key or folder, which a call would report, is no error here. */
async function jobsOnRecord(deps: McpDeps, options: PageOptions): Promise<JobPage | undefined> {
  try {
    // A list does not start the built-in sandbox, whose jobs are listed once a call has started it.
    const jobs = deps.sandbox ? deps.startedJobs() : await deps.jobs();
    if (jobs !== undefined) return await jobs.page(options);
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    deps.log.warn('jobs could not be listed', { error: error.message });
  }
  return pageOfJobs({ open: async () => [], async *newest() {} }, options);
}

function describeImage(job: Job): Resource {
  const size = sizeText({ ...sizeOf(job), ordered: orderedSize(job) }, ' pixels');
  return {
    uri: `${URI.images}${job.id}`,
    name: `image-${job.id}`,
    title: cleanLine(job.request.prompt, 80),
    description: `${size}${job.sandbox ? ', from the sandbox' : ''}`,
    mimeType: job.mediaType ?? 'image/jpeg',
    annotations: { audience: ['user'], lastModified: new Date(job.completedAt ?? job.createdAt).toISOString() },
  };
}

function describeJob(job: Job): Resource {
  return {
    uri: `${URI.jobs}${job.id}`,
    name: job.id,
    title: `Job (${statusOf(job.state)}): ${cleanLine(job.request.prompt, 60)}`,
    mimeType: JSON_TYPE,
    annotations: { audience: ['assistant'], lastModified: new Date(job.updatedAt).toISOString() },
  };
}

/** The newest ids that begin with what was typed, one more than a completion shows. @throws ProtocolError (-32602) for an unknown template or argument */
export async function jobIdsFor(uriTemplate: string, argument: string, typed: string, deps: McpDeps) {
  const templates = TEMPLATES.resourceTemplates.map((one) => ({ name: one.uriTemplate }));
  named('resource template', uriTemplate, templates, deps.redact);
  named(`argument of ${uriTemplate}`, argument, [{ name: 'job_id' }], deps.redact);
  const isImage = uriTemplate.startsWith(URI.images);
  const isWanted = ({ id, state }: Job) => id.startsWith(typed) && (state === 'saved' || !isImage);
  const page = await jobsOnRecord(deps, { limit: 101, isWanted });
  return page?.jobs.map(({ id }) => id) ?? [];
}

/** @throws ResourceNotFoundError for a name that no resource has */
export async function readResource(uri: string, deps: McpDeps, protocolVersion = ''): Promise<ReadResourceResult> {
  const cached = protocolVersion >= JULY_2026 ? CONSTANT : {};
  if (uri === URI.limits) return json(uri, limitsView(await (await deps.jobs()).limits()));
  if (uri === URI.guide) return { contents: [{ uri, mimeType: 'text/markdown', text: guideText() }], ...cached };
  if (uri === URI.viewer) {
    const text = await deps.viewerPage();
    if (text === undefined) throw notThere(uri, 'this installation has no viewer', deps);
    return { contents: [{ uri, mimeType: VIEWER_MIME_TYPE, text, _meta: VIEWER_UI_META }], ...cached };
  }
  const target = parseJobUri(uri);
  if (target === undefined) throw notThere(uri, 'resources/list and resources/templates/list list what there is', deps);
  const jobs = await deps.jobs();
  const job = await jobs.find(target.id);
  if (target.isImage) return { contents: [await imageContents(uri, job, jobs, deps)] };
  if (job === undefined) throw notThere(uri, 'list_jobs lists the ids of all jobs on record', deps);
  // The record, as it is: reading a job does not resume it.
  return json(uri, jobView(redactValues(job, deps.redact), { ...jobs.settings, now: deps.clock.now() }));
}

export function cannotSubscribe(uri: string, deps: McpDeps) {
  const why = 'jobs and images on record can be subscribed to, as flux://jobs/{job_id} and flux://images/{job_id}';
  if (![URI.limits, URI.guide, URI.viewer].includes(uri)) return notThere(uri, why, deps);
  return invalidParams(`${uri} cannot be subscribed to: ${why}.`);
}

/** @param hint what could be read instead; without a full stop */
function notThere(uri: string, hint: string, { redact }: McpDeps): ResourceNotFoundError {
  return new ResourceNotFoundError(uri, `There is no resource ${fencedWithout(redact, uri, 120)}; ${hint}.`);
}

function json(uri: string, value: unknown): ReadResourceResult {
  return { contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(value, undefined, 2) }] };
}

/** The page asks for nothing over the network: the picture comes with the result, or as a resource through the host. */
const VIEWER_UI_META = { ui: { csp: {}, permissions: { clipboardWrite: {} }, prefersBorder: true } };

async function imageContents(uri: string, job: Job | undefined, jobs: ImageJobs, deps: McpDeps) {
  const bytes = job?.file === undefined ? undefined : await jobs.pictures.read(job);
  if (job === undefined || bytes === undefined)
    throw notThere(uri, "a job's picture can be read once its status is completed", deps);
  if (bytes.length <= MAX_BYTES) return { uri, mimeType: job.mediaType ?? 'image/jpeg', blob: base64Of(bytes) };
  const shown = await jobs.pictures.show(job, { maxBytes: MAX_BYTES, maxSidePx: IMAGE_SIDE_MAX_PX });
  if (shown === undefined) {
    const what = `The picture of ${job.id} is larger than hosts take in one answer, and it cannot be made smaller here.`;
    const reason = { code: 'worded', what, next: `Open the file instead: ${job.file}` } as const;
    throw new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'yes', retry: 'no' });
  }
  // Nobody should take it for the file: it has fewer pixels.
  const preview = { ...shown.size, file: deps.redact(job.file ?? '') };
  const meta = { [`${VIEWER_META}preview`]: preview };
  return { uri, mimeType: shown.mediaType, blob: base64Of(shown.bytes), _meta: meta };
}
