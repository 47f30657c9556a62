/** Renders a tool's outcome as the parts that this host can take, within its size: text, pictures, links and data. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { Failure } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { ShownPicture } from '../core/image-store.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import type { ResultPart } from '../core/ports.ts';
import type { Pictures } from '../jobs/pictures.ts';
import { failureSentences, nextStep } from './failure-text.ts';
import type { HostProfile } from './hosts.ts';
import { batchText, batchView, errorView, type JobView, type JobViewOptions, jobText, jobView } from './job-view.ts';
import type { JobsOutcome, McpDeps, SingleOutcome } from './tool.ts';
import { URI, VIEWER_META } from './uris.ts';

/** What this call's host takes. @param maxSidePx of a picture: pixels of its longer side @param hasViewer it shows the viewer */
export type ResultForm = Pick<HostProfile, 'content' | 'maxCharacters' | 'maxBatchCharacters'> & {
  maxSidePx: number;
  hasViewer: boolean;
};

export type ResultDeps = Pick<McpDeps, 'clock' | 'redact'> & {
  view: JobViewOptions;
  notes?: readonly string[];
  /** Of one finished picture after the other. `undefined`: it cannot be read, or be made to fit into these bounds. */
  pictureOf: Pictures['show'];
  /** Several of them as one picture, each with its number. */
  sheetOf: Pictures['sheet'];
};

/** What gives way when an answer is too large; each step keeps those before it. Ids, states and files never do. */
const CUTS = { nothing: 0, promptsInData: 1, data: 2, promptsAndUrlsInText: 3, allButFacts: 4 } as const;
/** How far to cut for the sake of a picture: all the way for the one that a call was made for. */
const CUTS_FOR_PICTURES = { job: CUTS.allButFacts, jobs: CUTS.promptsInData } as const;
/** Characters that are left of a prompt. */
const SHORT_PROMPT = { data: 200, text: 24 } as const;
/** What the protocol may put around a result, and the sentences about the pictures and another origin. */
const RESERVED_CHARACTERS = 300 + 700;

/** The fullest answer that leaves room for a picture, else the fullest that fits without one, else the barest. */
export async function jobsResult(outcome: SingleOutcome | JobsOutcome, form: ResultForm, deps: ResultDeps) {
  const jobs = outcome.type === 'job' ? [outcome.job] : outcome.jobs;
  const saved = jobs.filter(({ state }) => state === 'saved');
  const { views, ...rendering } = renderingOf(redactValues(outcome, deps.redact), deps.view);
  const wanted = (part: ResultPart): boolean => form.content.includes(part);
  const make = (cut: number, pictures: readonly ContentBlock[] = [], notes: readonly string[] = []): CallToolResult => {
    const hasData = wanted('structured') && cut < CUTS.data;
    // The viewer finds what it needs in the data, too.
    const hasViewerData = form.hasViewer && cut < CUTS.data && !(hasData && cut >= CUTS.promptsInData);
    const content: ContentBlock[] = [...pictures];
    if (wanted('link') && cut < CUTS.promptsAndUrlsInText) content.push(...saved.map(linkPart));
    // Text first: hosts that show one part show the first. Where the data are cut, the text takes their place.
    if (wanted('text') || content.length === 0 || hasData !== wanted('structured')) {
      const shown = views.map((one) => textView(one, cut));
      const allNotes = [...notes, ...cutNotes(views, cut), ...(deps.notes ?? [])];
      content.unshift({ type: 'text', text: rendering.text(shown, allNotes, cut === CUTS.allButFacts) });
    }
    const data = cut < CUTS.promptsInData ? views : views.map((one) => withShortPrompt(one, SHORT_PROMPT.data));
    return {
      content,
      ...(hasData && { structuredContent: rendering.data(data) }),
      ...(hasViewerData && { _meta: rendering.viewerData(data) }),
      ...(rendering.isError && { isError: true }),
    };
  };
  const max = (outcome.type === 'job' ? form.maxCharacters : form.maxBatchCharacters) - RESERVED_CHARACTERS;
  const steps = Object.values(CUTS).map((cut) => ({ cut, room: max - JSON.stringify(make(cut)).length }));
  const fitting = steps.find(({ room }) => room >= 0) ?? { cut: CUTS.allButFacts, room: 0 };
  if (!wanted('image') || saved.length === 0) return make(fitting.cut);
  const { cut, room } =
    steps.find((step) => step.cut <= CUTS_FOR_PICTURES[outcome.type] && step.room >= USEFUL_CHARACTERS) ?? fitting;
  if (saved.length > 1 && room < USEFUL_CHARACTERS) return make(fitting.cut, [], [NO_PREVIEWS]);
  const pictures = await picturesWithin(room, form.maxSidePx, saved, deps);
  if (pictures.length === saved.length || saved.length === 1)
    return make(cut, pictures.map(imagePart), pictureNotes(pictures, saved.length));
  const numbers = saved.map((job) => jobs.indexOf(job) + 1);
  const sheet = await deps.sheetOf(saved, numbers, { maxBytes: bytesWithin(room), maxSidePx: form.maxSidePx });
  return sheet ? make(cut, [imagePart(sheet)], [SHEET]) : make(fitting.cut, [], [NO_PREVIEWS]);
}

type Views = readonly JobView[];

/** One outcome in each of its forms, from views that may be cut by then. The model does not see `viewerData`. */
function renderingOf(outcome: SingleOutcome | JobsOutcome, options: JobViewOptions) {
  if (outcome.type === 'jobs') {
    const view = batchView(outcome, options);
    return {
      views: view.jobs,
      isError: view.failed === view.jobs.length,
      data: (jobs: Views) => ({ ...view, jobs }),
      viewerData: (jobs: Views) => ({ [`${VIEWER_META}jobs`]: jobs }),
      text: (jobs: Views, notes: readonly string[], isBare: boolean) =>
        batchText({ ...view, jobs }, outcome, { notes, now: options.now }, isBare),
    };
  }
  const { job, duplicate, waitedSeconds, eta, isWhole } = outcome;
  const view = jobView(job, { ...options, duplicate });
  const isOpen = ['queued', 'submitting', 'unknown'].includes(job.state);
  const viewerEta = eta && { fraction: eta.fraction, seconds_left: Math.round(eta.leftMs / 1_000) };
  return {
    views: [view],
    // There is no picture, or nobody knows whether there will be one. A job that only could not be polled goes on.
    isError: job.state === 'failed' || (isOpen && job.failure !== undefined),
    data: ([shown = view]: Views) => shown,
    viewerData: ([shown = view]: Views) => ({ [`${VIEWER_META}job`]: shown, [`${VIEWER_META}eta`]: viewerEta }),
    text: ([shown = view]: Views, notes: readonly string[]) =>
      jobText(shown, job, { notes, waitedSeconds, ...(isWhole && { isWhole }), now: options.now }),
  };
}

function linkPart(job: Job): ContentBlock {
  return {
    type: 'resource_link',
    uri: `${URI.images}${job.id}`,
    name: `image-${job.id}`,
    title: 'The finished picture',
    mimeType: job.mediaType ?? 'image/jpeg',
  };
}

function textView(view: JobView, cut: number): JobView {
  if (cut < CUTS.promptsAndUrlsInText) return view;
  const { url: _, ...rest } = withShortPrompt(view, SHORT_PROMPT.text);
  return rest;
}

/** The mark keeps anybody from ordering with a prompt that is not complete. */
function withShortPrompt(view: JobView, maxCharacters: number): JobView {
  const characters = [...view.prompt];
  if (characters.length <= maxCharacters) return view;
  return { ...view, prompt: `${characters.slice(0, maxCharacters).join('')}… [shortened]` };
}

function cutNotes(views: Views, cut: number): string[] {
  if (cut === CUTS.allButFacts && views.length > 1)
    return ['This host accepts no more, so prompts, prices, URLs and details are left out; list_jobs has them.'];
  if (cut >= CUTS.promptsAndUrlsInText)
    return ['Prompts are shortened and URLs are left out in this answer because this host accepts no more.'];
  const isShortened =
    cut >= CUTS.promptsInData && views.some((view) => withShortPrompt(view, SHORT_PROMPT.data) !== view);
  return isShortened ? ['Prompts are shortened in this answer because this host accepts no more.'] : [];
}

/** Around the Base64 text of each picture. */
const AROUND_CHARACTERS = 100;
/** A picture of fewer characters shows too little for a person or a model to recognise. */
const USEFUL_CHARACTERS = 4_000;
/** Pixels of the longer side of a preview next to others, so that they can be judged. */
const JUDGED_SIDE_PX = 256;
/** Previews are made one after the other, and somebody is waiting for the answer. */
const PREVIEWS_LIMIT_MS = 6_000;

/** How many bytes of a picture fit: Base64 makes four characters of three bytes. */
export function bytesWithin(characters: number): number {
  return Math.max(0, Math.floor((characters - AROUND_CHARACTERS) / 4) * 3);
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

function imagePart({ bytes, mediaType }: ShownPicture): ContentBlock {
  return { type: 'image', data: base64Of(bytes), mimeType: mediaType };
}

/** With equal shares of the room, up to the first of several that would be too small to judge, or too late. */
async function picturesWithin(room: number, maxSidePx: number, jobs: readonly Job[], { pictureOf, clock }: ResultDeps) {
  const pictures: ShownPicture[] = [];
  const until = clock.monotonic() + PREVIEWS_LIMIT_MS;
  const leastPx = jobs.length === 1 ? 0 : Math.min(JUDGED_SIDE_PX, maxSidePx);
  for (const job of jobs) {
    if (pictures.length > 0 && clock.monotonic() > until) break;
    const picture = await pictureOf(job, { maxBytes: bytesWithin(room / jobs.length), maxSidePx });
    const { width, height } = (picture?.isPreview && picture.size) || { width: leastPx, height: leastPx };
    if (picture === undefined || Math.max(width, height) < leastPx) break;
    pictures.push(picture);
  }
  return pictures;
}

const SHEET =
  'The picture in this answer is a contact sheet of the finished pictures, numbered as above; the files have the full size.';
const NO_PREVIEWS =
  'This answer has no previews, because they would exceed what this host accepts; see the files or the resources flux://images/{job_id}.';
const NOT_SHOWN =
  'The picture is not shown in this answer: it is larger than this host or a preview allows, of a type that cannot be shown here, or it cannot be read. Open the file instead.';

/** None where the answer has the very pictures. */
function pictureNotes(shown: readonly ShownPicture[], count: number): string[] {
  const [preview] = shown.filter(({ isPreview }) => isPreview);
  if (shown.length === 0) return [NOT_SHOWN];
  if (preview === undefined) return [];
  if (count > 1) return ['Pictures are shown smaller than they are; the files have the full size.'];
  const of = preview.size === undefined ? '' : ` of ${preview.size.width} × ${preview.size.height} pixels`;
  return [`This answer shows a preview${of}; the file has the full size.`];
}

export function valueResult(value: Record<string, unknown>, text: string): CallToolResult {
  return { content: [{ type: 'text', text }], structuredContent: value };
}

/** A call that was refused before there was a job. */
export function refusal(failure: Failure, hasData: boolean, now?: number): CallToolResult {
  const next = nextStep(failure);
  return {
    content: [{ type: 'text', text: `${failureSentences(failure, {}, now)}\nNext: ${next}` }],
    ...(hasData && { structuredContent: { error: errorView(failure), next } }),
    isError: true,
  };
}

/** Removes the user's secrets from everything readable in a result, whoever put it there. */
export function redactResult(result: CallToolResult, redact: Redact): CallToolResult {
  const content = result.content.map((part) =>
    part.type === 'image'
      ? // Megabytes of Base64, which no secret gets into.
        { ...redactValues({ ...part, data: '' }, redact), data: part.data }
      : redactValues(part, redact),
  );
  return { ...redactValues({ ...result, content: [] }, redact), content };
}
