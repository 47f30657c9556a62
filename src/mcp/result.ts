/** Puts a tool's outcome together as the parts that this host can take, within its size. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { Failure } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { ResultPart } from '../core/result-part.ts';
import { failureSentences, nextStep } from './failure-text.ts';
import { jobText } from './job-text.ts';
import { errorView, type JobViewOptions, jobView } from './job-view.ts';
import { imageUri } from './resources/image-uri.ts';

/** What this call's host takes: its profile, or what the user has set. */
export type ResultShape = { parts: readonly ResultPart[]; maxCharacters: number };

/** Characters kept free for what the protocol puts around the result. */
export const ENVELOPE_CHARACTERS = 2_000;

export function jobResult(
  job: Job,
  picture: Uint8Array | undefined,
  shape: ResultShape,
  options: JobViewOptions & { waitedSeconds?: number | undefined },
): CallToolResult {
  const view = jobView(job, options);
  const wants = (part: ResultPart): boolean => shape.parts.includes(part);
  const structured = wants('structured') ? { structuredContent: view as Record<string, unknown> } : {};
  const text = jobText(view, job, options.waitedSeconds);
  const taken = 2 * text.length + JSON.stringify(structured).length + ENVELOPE_CHARACTERS;
  const content: ContentBlock[] = [];
  if (picture !== undefined && wants('image')) {
    if (base64Length(picture) + taken <= shape.maxCharacters) content.push(imagePart(picture, job));
    else content.push({ type: 'text', text: tooLarge(picture) });
  }
  if (wants('link') && job.state === 'saved') content.push(linkPart(job));
  // Text first: hosts that show one part show this one.
  if (wants('text') || content.every((part) => part.type === 'text')) content.unshift({ type: 'text', text });
  return { content, ...structured, ...(endedBadly(job) ? { isError: true } : {}) };
}

export function valueResult(value: Record<string, unknown>, text: string): CallToolResult {
  return { content: [{ type: 'text', text }], structuredContent: value };
}

/** A call that was refused before there was a job. */
export function refusal(failure: Failure, shape: ResultShape, options: { mayCarryData: boolean }): CallToolResult {
  const next = nextStep(failure);
  const data = options.mayCarryData && shape.parts.includes('structured');
  return {
    content: [{ type: 'text', text: `${failureSentences(failure)}\nNext: ${next}` }],
    ...(data ? { structuredContent: { error: errorView(failure), next } } : {}),
    isError: true,
  };
}

/** There is no picture, or nobody knows whether there will be one. A job that only cannot be read now lives on. */
function endedBadly(job: Job): boolean {
  const open = job.state === 'queued' || job.state === 'submitting' || job.state === 'unknown';
  return job.state === 'failed' || (open && job.failure !== undefined);
}

export function imagePart(picture: Uint8Array, job: Job): ContentBlock {
  return { type: 'image', data: Buffer.from(picture).toString('base64'), mimeType: job.mediaType ?? 'image/jpeg' };
}

export function linkPart(job: Job): ContentBlock {
  return {
    type: 'resource_link',
    uri: imageUri(job.id),
    name: `image-${job.id}`,
    title: 'The finished picture',
    mimeType: job.mediaType ?? 'image/jpeg',
  };
}

function tooLarge(picture: Uint8Array): string {
  const kilobytes = Math.ceil(picture.length / 1_024);
  return `The picture (${kilobytes} KB) is larger than what this host takes inside an answer; open the file instead.`;
}

export const base64Length = (bytes: Uint8Array): number => Math.ceil(bytes.length / 3) * 4;
