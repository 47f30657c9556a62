/** Finished pictures as resources: `flux://images/{job_id}`. */
import {
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  type ReadResourceResult,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import type { Job } from '../../core/job.ts';
import { cleanLine } from '../../core/untrusted-text.ts';
import type { ImageJobs } from '../../jobs/image-jobs.ts';
import { IMAGE_URI_PREFIX, imageUri } from './image-uri.ts';

const LISTED_IMAGES = 100;

export const IMAGE_TEMPLATES: ListResourceTemplatesResult = {
  resourceTemplates: [
    {
      uriTemplate: `${IMAGE_URI_PREFIX}{job_id}`,
      name: 'image',
      title: 'A finished picture',
      description: 'The saved picture of a job, in its original size and type.',
    },
  ],
};

/** The newest finished pictures of this server. */
export async function listImages(jobs: ImageJobs | undefined): Promise<ListResourcesResult> {
  const all = (await jobs?.list()) ?? [];
  const saved = all.filter((job) => job.state === 'saved').slice(0, LISTED_IMAGES);
  return { resources: saved.map(describe) };
}

/** @throws ResourceNotFoundError (-32602) when there is no finished picture of that name */
export async function readImage(uri: string, jobs: ImageJobs): Promise<ReadResourceResult> {
  const id = uri.startsWith(IMAGE_URI_PREFIX) ? uri.slice(IMAGE_URI_PREFIX.length) : undefined;
  const job = id === undefined ? undefined : await jobs.find(id);
  if (job?.file === undefined) throw new ResourceNotFoundError(uri, notFound(uri));
  const bytes = await jobs.readPicture(job);
  if (bytes === undefined) throw new ResourceNotFoundError(uri, notFound(uri));
  const blob = Buffer.from(bytes).toString('base64');
  return { contents: [{ uri, mimeType: job.mediaType ?? 'image/jpeg', blob }] };
}

function describe(job: Job): ListResourcesResult['resources'][number] {
  return {
    uri: imageUri(job.id),
    name: `image-${job.id}`,
    title: cleanLine(job.request.prompt, 80),
    description: `${job.request.width} × ${job.request.height} pixels${job.sandbox ? ', from the sandbox' : ''}`,
    mimeType: job.mediaType ?? 'image/jpeg',
  };
}

function notFound(uri: string): string {
  return `There is no finished picture ${cleanLine(uri, 120)}; a job's picture can be read once its status is completed.`;
}
