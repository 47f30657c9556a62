/** Finished pictures: `flux://images/{job_id}`, in their original size and type as far as hosts take that. */
import type { ListResourcesResult, ReadResourceResult } from '@modelcontextprotocol/server';
import { type Failure, FluxError } from '../../core/failure.ts';
import { type Job, orderedSize, sizeOf } from '../../core/job.ts';
import type { ShownPicture } from '../../core/preview.ts';
import { cleanLine } from '../../core/untrusted-text.ts';
import { IMAGE_SIDE_MAX_PX } from '../host-profiles.ts';
import type { McpDeps } from '../mcp-deps.ts';
import { bytesWithin } from '../shown-picture.ts';
import { notThere } from './contents.ts';
import { IMAGE_URI_PREFIX, imageUri, jobIdOf, VIEWER_META } from './uris.ts';

/** Claude Desktop refuses answers over 1,048,576 characters; what fits there fits everywhere. */
const MAX_BYTES = bytesWithin(900_000);
/** The size of a preview, and the file that has the whole picture. */
const PREVIEW_META = `${VIEWER_META}preview`;

export const IMAGE_TEMPLATE = {
  uriTemplate: `${IMAGE_URI_PREFIX}{job_id}`,
  name: 'image',
  title: 'A finished picture',
  description:
    'The saved picture of a job, in its original size and type; one that is too large for hosts comes as a smaller JPEG.',
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
export async function readImage(uri: string, deps: McpDeps): Promise<ReadResourceResult> {
  const jobs = await deps.jobs();
  const job = await jobs.find(jobIdOf(uri) ?? '');
  const bytes = job?.file === undefined ? undefined : await jobs.readPicture(job);
  if (job === undefined || bytes === undefined)
    throw notThere(uri, "a job's picture can be read once its status is completed");
  if (bytes.length <= MAX_BYTES) return contents(uri, { bytes, mediaType: job.mediaType ?? 'image/jpeg' });
  const shown = await jobs.shownPicture(job, { maxBytes: MAX_BYTES, maxSidePx: IMAGE_SIDE_MAX_PX });
  if (shown === undefined || shown === 'unfit') throw new FluxError(tooLarge(bytes.length, job));
  const { width, height } = shown.size ?? {};
  // Nobody should take it for the file: it has fewer pixels.
  return contents(uri, shown, { [PREVIEW_META]: { width, height, file: deps.redact(job.file ?? '') } });
}

type Contents = ReadResourceResult['contents'][number];

function contents(
  uri: string,
  { bytes, mediaType }: Pick<ShownPicture, 'bytes' | 'mediaType'>,
  meta?: Contents['_meta'],
): ReadResourceResult {
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  return { contents: [{ uri, mimeType: mediaType, blob, ...(meta === undefined ? {} : { _meta: meta }) }] };
}

function tooLarge(bytes: number, { file, id }: Job): Failure {
  const size = `${(bytes / 1_000_000).toFixed(1)} MB`;
  return {
    kind: 'storage_failed',
    message: `The picture of ${id} has ${size}, more than hosts take in one answer, and it cannot be made smaller here. Open the file instead: ${file}`,
    creditsSpent: 'yes',
    retry: 'no',
  };
}
