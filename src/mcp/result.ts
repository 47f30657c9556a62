/** Puts a tool's outcome together as the parts that this host can take, within its size. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { Outlook } from '../core/durations.ts';
import type { Failure } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { ResultPart } from '../core/result-part.ts';
import { failureSentences, nextStep } from './failure-text.ts';
import { jobText } from './job-text.ts';
import { errorView, type JobViewOptions, jobView } from './job-view.ts';
import { imageUri } from './resources/uris.ts';
import { bytesWithin, imagePart, type PictureSource, pictureNote } from './shown-picture.ts';
import { jobMeta } from './viewer-link.ts';

/** What this call's host takes: its profile, or what the user has set. */
export type ResultShape = {
  parts: readonly ResultPart[];
  maxCharacters: number;
  /** Of a picture inside the answer: pixels of its longer side. */
  maxSidePx: number;
  /** The host shows the viewer beside it. */
  hasViewer: boolean;
};

/** Characters kept free for what the protocol puts around the result. */
export const ENVELOPE_CHARACTERS = 2_000;

/** What is kept free for the sentence about the picture. */
const NOTE_CHARACTERS = 400;

/** @param pictureOf asked at most once, for what is left of the room when the words and the data have theirs */
export async function jobResult(
  job: Job,
  shape: ResultShape,
  options: JobViewOptions & { waitedSeconds?: number | undefined; outlook?: Outlook | undefined },
  pictureOf: PictureSource,
): Promise<CallToolResult> {
  const view = jobView(job, options);
  const wants = (part: ResultPart): boolean => shape.parts.includes(part);
  const structured = wants('structured') ? { structuredContent: view as Record<string, unknown> } : {};
  const meta = shape.hasViewer ? jobMeta(view, options.outlook) : {};
  const words = jobText(view, job, { waitedSeconds: options.waitedSeconds });
  // Text is escaped where it stands in the result: at most twice its length, as far as prompts go.
  const taken =
    2 * words.length + JSON.stringify({ ...structured, ...meta }).length + ENVELOPE_CHARACTERS + NOTE_CHARACTERS;
  const bounds = { maxBytes: bytesWithin(shape.maxCharacters - taken), maxSidePx: shape.maxSidePx };
  const picture = wants('image') ? await pictureOf(job, bounds) : undefined;
  const notes = pictureNote(picture);
  const text = notes.length === 0 ? words : jobText(view, job, { waitedSeconds: options.waitedSeconds, notes });
  const content: ContentBlock[] = [];
  if (picture !== undefined && picture !== 'unfit') content.push(imagePart(picture));
  if (wants('link') && job.state === 'saved') content.push(linkPart(job));
  // Text first: hosts that show one part show this one.
  if (wants('text') || content.length === 0) content.unshift({ type: 'text', text });
  return { content, ...structured, ...meta, ...(endedBadly(job) ? { isError: true } : {}) };
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

export function linkPart(job: Job): ContentBlock {
  return {
    type: 'resource_link',
    uri: imageUri(job.id),
    name: `image-${job.id}`,
    title: 'The finished picture',
    mimeType: job.mediaType ?? 'image/jpeg',
  };
}
