/** Puts a tool's outcome together as the parts that this host can take, within its size. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { Failure } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { ShownPicture } from '../core/preview.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import type { ResultPart } from '../core/result-part.ts';
import type { Eta } from '../polling/durations.ts';
import { failureSentences, nextStep } from './failure-text.ts';
import { otherOriginText } from './instructions.ts';
import { jobText } from './job-text.ts';
import { errorView, type JobView, type JobViewOptions, jobView } from './job-view.ts';
import type { McpDeps, OtherOrigin } from './mcp-deps.ts';
import { imageUri, VIEWER_META } from './resources/uris.ts';
import { type Cuts, cutNotes, dataView, fitted, textView } from './result-cuts.ts';
import { bytesWithin, imagePart, type PictureSource, pictureNote, USEFUL_CHARACTERS } from './shown-picture.ts';

/** What this call's host takes: its profile, or what the user has set. */
export type ResultForm = {
  content: readonly ResultPart[];
  maxCharacters: number;
  /** Of a picture inside the answer: pixels of its longer side. */
  maxSidePx: number;
  /** The host shows the viewer next to it. */
  hasViewer: boolean;
};

/** One outcome in each of its forms; the cuts say what gives way to the host's limit. */
type Forms = {
  views: readonly JobView[];
  /** The jobs whose picture can be read. */
  saved: readonly Job[];
  isError: boolean;
  data: (cuts: Cuts) => Record<string, unknown>;
  /** What hosts hand to the viewer and not to the model. */
  viewerData: (cuts: Cuts) => Record<string, unknown>;
  text: (cuts: Cuts, notes: readonly string[]) => string;
};
export type Shown = { pictures: readonly ShownPicture[]; notes: readonly string[] };

/** @param shownIn asked at most once, for what fits into the characters that words and data leave */
export async function resultOf(
  { views, saved, isError, data, viewerData, text }: Forms,
  form: ResultForm,
  scope: 'one' | 'batch',
  shownIn: (characters: number) => Promise<Shown>,
): Promise<CallToolResult> {
  const wants = (part: ResultPart): boolean => form.content.includes(part);
  const make = (cuts: Cuts, { pictures, notes }: Shown = { pictures: [], notes: [] }): CallToolResult => {
    const hasData = wants('structured') && !cuts.noData;
    // The viewer finds what it needs in the data, too.
    const hasViewerData = form.hasViewer && !cuts.noData && !(hasData && cuts.shortDataPrompts);
    const links = wants('link') && !cuts.noUrls ? saved.map(linkPart) : [];
    const content: ContentBlock[] = [...pictures.map(imagePart), ...links];
    // Text first: hosts that show one part show the first. Where the data are cut, the text takes their place.
    if (wants('text') || content.length === 0 || hasData !== wants('structured'))
      content.unshift({ type: 'text', text: text(cuts, [...notes, ...cutNotes(views, cuts)]) });
    return {
      content,
      ...(hasData ? { structuredContent: data(cuts) } : {}),
      ...(hasViewerData ? { _meta: viewerData(cuts) } : {}),
      ...(isError ? { isError } : {}),
    };
  };
  const shows = wants('image') && saved.length > 0;
  const { cuts, left } = fitted(make, form.maxCharacters, shows ? USEFUL_CHARACTERS : 0, scope);
  return shows ? make(cuts, await shownIn(left)) : make(cuts);
}

export function jobResult(
  job: Job,
  form: ResultForm,
  options: JobViewOptions & { waitedSeconds?: number | undefined; eta?: Eta | undefined },
  pictureOf: PictureSource,
): Promise<CallToolResult> {
  const view = jobView(job, options);
  const { waitedSeconds, eta } = options;
  const etaView = eta && { fraction: eta.fraction, seconds_left: Math.round(eta.leftMs / 1_000) };
  const forms: Forms = {
    views: [view],
    saved: job.state === 'saved' ? [job] : [],
    isError: isUnsuccessful(job),
    data: (cuts) => dataView(view, cuts),
    viewerData: (cuts) => ({
      [`${VIEWER_META}job`]: dataView(view, cuts),
      ...(etaView === undefined ? {} : { [`${VIEWER_META}outlook`]: etaView }),
    }),
    text: (cuts, notes) => jobText(textView(view, cuts), job, { waitedSeconds, notes }),
  };
  return resultOf(forms, form, 'one', async (characters) => {
    const picture = await pictureOf(job, { maxBytes: bytesWithin(characters), maxSidePx: form.maxSidePx });
    return { pictures: picture === undefined || picture === 'unfit' ? [] : [picture], notes: pictureNote(picture) };
  });
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

/** There is no picture, or nobody knows whether there will be one. A job that only could not be polled goes on. */
function isUnsuccessful(job: Job): boolean {
  const open = job.state === 'queued' || job.state === 'submitting' || job.state === 'unknown';
  return job.state === 'failed' || (open && job.failure !== undefined);
}

function linkPart(job: Job): ContentBlock {
  return {
    type: 'resource_link',
    uri: imageUri(job.id),
    name: `image-${job.id}`,
    title: 'The finished picture',
    mimeType: job.mediaType ?? 'image/jpeg',
  };
}

/** Removes the user's secrets from everything readable in a result, whoever put it there. */
export function redactResult(result: CallToolResult, redact: Redact): CallToolResult {
  const content = result.content.map((part) =>
    part.type === 'image' || part.type === 'audio'
      ? // Megabytes of Base64, which no secret gets into.
        { ...redactValues({ ...part, data: '' }, redact), data: part.data }
      : redactValues(part, redact),
  );
  return { ...redactValues({ ...result, content: [] }, redact), content };
}

/** The first result of the process says where the key goes, when that is not the provider's own address. */
export function withOtherOrigin(result: CallToolResult, { otherOrigin }: McpDeps): CallToolResult {
  const [first, ...rest] = result.content;
  if (otherOrigin === undefined || otherOrigin.reported || first?.type !== 'text') return result;
  otherOrigin.reported = true;
  return { ...result, content: [{ ...first, text: `${first.text}${originNote(otherOrigin)}` }, ...rest] };
}

export function originNote({ origin }: OtherOrigin): string {
  return `\nNote: ${otherOriginText(origin)} Ask the user whether that is what they want, if they have not said so.`;
}
