/** Puts a tool's outcome together as the parts that this host can take, within its size. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { Failure } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { ShownPicture } from '../core/preview.ts';
import type { ResultPart } from '../core/result-part.ts';
import type { Eta } from '../polling/durations.ts';
import { failureSentences, nextStep } from './failure-text.ts';
import { jobText } from './job-text.ts';
import { errorView, type JobViewOptions, jobView } from './job-view.ts';
import { imageUri } from './resources/uris.ts';
import { type Cuts, cutNotes, dataView, fitted, textView } from './result-room.ts';
import { bytesWithin, imagePart, type PictureSource, pictureNote, USEFUL_CHARACTERS } from './shown-picture.ts';
import { jobMeta } from './viewer-link.ts';

/** What this call's host takes: its profile, or what the user has set. */
export type ResultForm = {
  content: readonly ResultPart[];
  maxCharacters: number;
  /** Of a picture inside the answer: pixels of its longer side. */
  maxSidePx: number;
  /** The host shows the viewer beside it. */
  hasViewer: boolean;
};

/** @param pictureOf asked at most once, for what is left of the room when the words and the data have theirs */
export async function jobResult(
  job: Job,
  form: ResultForm,
  options: JobViewOptions & { waitedSeconds?: number | undefined; eta?: Eta | undefined },
  pictureOf: PictureSource,
): Promise<CallToolResult> {
  const view = jobView(job, options);
  const { waitedSeconds, eta } = options;
  const wants = (part: ResultPart): boolean => form.content.includes(part);

  const make = (cuts: Cuts, picture?: ShownPicture | 'unfit'): CallToolResult => {
    const data = dataView(view, cuts);
    const hasData = wants('structured') && !cuts.noData;
    const hasMeta = form.hasViewer && !cuts.noData;
    const content: ContentBlock[] = [];
    if (picture !== undefined && picture !== 'unfit') content.push(imagePart(picture));
    if (wants('link') && job.state === 'saved') content.push(linkPart(job));
    // Text first: hosts that show one part show this one. Where the data give way, somebody has to say what they said.
    if (wants('text') || content.length === 0 || hasData !== wants('structured')) {
      const notes = [...pictureNote(picture), ...cutNotes([view], cuts)];
      content.unshift({ type: 'text', text: jobText(textView(view, cuts), job, { waitedSeconds, notes }) });
    }
    return {
      content,
      ...(hasData ? { structuredContent: data as Record<string, unknown> } : {}),
      // What the viewer needs is in the data, too.
      ...(hasMeta && !(hasData && cuts.shortDataPrompts) ? jobMeta(data, eta) : {}),
      ...(isUnsuccessful(job) ? { isError: true } : {}),
    };
  };

  const shows = wants('image') && job.state === 'saved';
  const { cuts, left } = fitted(make, form.maxCharacters, shows ? USEFUL_CHARACTERS : 0, 'one');
  if (!wants('image')) return make(cuts);
  return make(cuts, await pictureOf(job, { maxBytes: bytesWithin(left), maxSidePx: form.maxSidePx }));
}

export function valueResult(value: Record<string, unknown>, text: string): CallToolResult {
  return { content: [{ type: 'text', text }], structuredContent: value };
}

/** A call that was refused before there was a job. */
export function refusal(failure: Failure, form: ResultForm, options: { mayCarryData: boolean }): CallToolResult {
  const next = nextStep(failure);
  const data = options.mayCarryData && form.content.includes('structured');
  return {
    content: [{ type: 'text', text: `${failureSentences(failure)}\nNext: ${next}` }],
    ...(data ? { structuredContent: { error: errorView(failure), next } } : {}),
    isError: true,
  };
}

/** There is no picture, or nobody knows whether there will be one. A job that only cannot be read now lives on. */
function isUnsuccessful(job: Job): boolean {
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
