/** Finished pictures: `flux://images/{job_id}`, in their original size and type. */
import type { ListResourcesResult, ReadResourceResult } from '@modelcontextprotocol/server';
import { type Job, orderedSize, sizeOf } from '../../core/job.ts';
import { cleanLine } from '../../core/untrusted-text.ts';
import type { McpParts } from '../mcp-parts.ts';
import { notThere } from './not-there.ts';
import { IMAGE_URI_PREFIX, imageUri, jobIdOf } from './uris.ts';

export const IMAGE_TEMPLATE = {
  uriTemplate: `${IMAGE_URI_PREFIX}{job_id}`,
  name: 'image',
  title: 'A finished picture',
  description: 'The saved picture of a job, in its original size and type.',
};

export function describeImage(job: Job): ListResourcesResult['resources'][number] {
  const { width, height } = sizeOf(job);
  const ordered = orderedSize(job);
  const other = ordered === undefined ? '' : ` (ordered: ${ordered.width} × ${ordered.height})`;
  return {
    uri: imageUri(job.id),
    name: `image-${job.id}`,
    title: cleanLine(job.request.prompt, 80),
    description: `${width} × ${height} pixels${other}${job.sandbox ? ', from the sandbox' : ''}`,
    mimeType: job.mediaType ?? 'image/jpeg',
    annotations: { audience: ['user'], lastModified: new Date(job.completedAt ?? job.createdAt).toISOString() },
  };
}

/** @throws ResourceNotFoundError when there is no finished picture of that name */
export async function readImage(uri: string, parts: McpParts): Promise<ReadResourceResult> {
  const jobs = await parts.jobs();
  const job = await jobs.find(jobIdOf(uri) ?? '');
  const bytes = job?.file === undefined ? undefined : await jobs.readPicture(job);
  if (job === undefined || bytes === undefined)
    throw notThere(uri, "a job's picture can be read once its status is completed");
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  return { contents: [{ uri, mimeType: job.mediaType ?? 'image/jpeg', blob }] };
}
