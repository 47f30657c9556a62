/** Renders a tool's outcome as the parts that this host can take, within its size: text, pictures, links and data. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { Failure } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import type { ResultPart } from '../core/result-part.ts';
import { failureSentences, nextStep } from './failure-text.ts';
import { batchText, jobText } from './job-text.ts';
import { batchView, errorView, type JobView, type JobViewOptions, jobView } from './job-view.ts';
import { imagePart, type PictureSource, pictureNotes, picturesWithin, USEFUL_CHARACTERS } from './pictures.ts';
import type { JobsOutcome, SingleOutcome } from './tool.ts';
import { imageUri, VIEWER_META } from './uris.ts';

/** What this call's host takes: its profile, or what the user has set. */
export type ResultForm = {
  content: readonly ResultPart[];
  maxCharacters: number;
  /** Of a picture inside the answer: pixels of its longer side. */
  maxSidePx: number;
  /** The host shows the viewer next to it. */
  hasViewer: boolean;
};

export type ResultDeps = {
  view: JobViewOptions;
  /** Called for one finished picture after the other, each with its share of the room that words and data leave. */
  pictureOf: PictureSource;
  redact: Redact;
  /** Monotonic milliseconds. */
  now: () => number;
};

/** What gives way when an answer is too large; each step keeps those before it. Ids, states and files never do. */
const CUTS = { none: 0, dataPrompts: 1, data: 2, textPrompts: 3, urls: 4, allButFacts: 5 } as const;
/** How far to cut for the sake of a picture: all the way for the one that a call was made for. */
const CUTS_FOR_PICTURES = { job: CUTS.allButFacts, jobs: CUTS.dataPrompts } as const;
/** What the protocol may put around a result, and the sentences about the pictures. */
const RESERVED_CHARACTERS = 300 + 700;

/** The fullest answer that leaves room for a picture, else the fullest that fits without one, else the barest. */
export async function jobsResult(
  outcome: SingleOutcome | JobsOutcome,
  form: ResultForm,
  { view, pictureOf, redact, now }: ResultDeps,
): Promise<CallToolResult> {
  const jobs = outcome.type === 'job' ? [outcome.job] : outcome.jobs;
  const wanted = (part: ResultPart): boolean => form.content.includes(part);
  const saved = jobs.filter(({ state }) => state === 'saved');
  const rendering = renderingOf(redactValues(outcome, redact), view);
  const make = (cut: number, pictures: readonly ContentBlock[] = [], notes: readonly string[] = []) => {
    const hasData = wanted('structured') && cut < CUTS.data;
    // The viewer finds what it needs in the data, too.
    const hasViewerData = form.hasViewer && cut < CUTS.data && !(hasData && cut >= CUTS.dataPrompts);
    const links = wanted('link') && cut < CUTS.urls ? saved.map(linkPart) : [];
    const content: ContentBlock[] = [...pictures, ...links];
    // Text first: hosts that show one part show the first. Where the data are cut, the text takes their place.
    if (wanted('text') || content.length === 0 || hasData !== wanted('structured')) {
      const shown = rendering.views.map((one) => textView(one, cut));
      const text = rendering.text(shown, [...notes, ...cutNotes(rendering.views, cut)], cut === CUTS.allButFacts);
      content.unshift({ type: 'text', text });
    }
    const shownData = rendering.views.map((one) => dataView(one, cut));
    return {
      content,
      ...(hasData && { structuredContent: rendering.data(shownData) }),
      ...(hasViewerData && { _meta: rendering.viewerData(shownData) }),
      ...(rendering.isError && { isError: true }),
    };
  };
  const roomAfter = (cut: number): number =>
    form.maxCharacters - RESERVED_CHARACTERS - JSON.stringify(make(cut)).length;
  const steps = Object.values(CUTS).map((cut) => ({ cut, room: roomAfter(cut) }));
  const fits = steps.find(({ room }) => room >= 0) ?? { cut: CUTS.allButFacts, room: 0 };
  if (!wanted('image') || saved.length === 0) return make(fits.cut);
  const withRoom = steps.find(({ cut, room }) => cut <= CUTS_FOR_PICTURES[outcome.type] && room >= USEFUL_CHARACTERS);
  const { cut, room } = withRoom ?? fits;
  const pictures = await picturesWithin(saved, { characters: room, maxSidePx: form.maxSidePx }, pictureOf, now);
  return make(cut, [...pictures.values()].map(imagePart), pictureNotes(pictures, jobs, saved));
}

/** One outcome in each of its forms, from views that may be cut by then. */
type Rendering = {
  views: readonly JobView[];
  isError: boolean;
  data: (views: readonly JobView[]) => Record<string, unknown>;
  /** What hosts hand to the viewer and not to the model. */
  viewerData: (views: readonly JobView[]) => Record<string, unknown>;
  text: (views: readonly JobView[], notes: readonly string[], isBare: boolean) => string;
};

function renderingOf(outcome: SingleOutcome | JobsOutcome, options: JobViewOptions): Rendering {
  if (outcome.type === 'jobs') {
    const view = batchView(outcome, options);
    return {
      views: view.jobs,
      isError: view.failed === view.jobs.length,
      data: (jobs) => ({ ...view, jobs }),
      viewerData: (jobs) => ({ [`${VIEWER_META}jobs`]: jobs }),
      text: (jobs, notes, isBare) => batchText({ ...view, jobs }, outcome, notes, isBare),
    };
  }
  const { job, duplicate, waitedSeconds, eta } = outcome;
  const view = jobView(job, { ...options, duplicate });
  const outlook = eta && { fraction: eta.fraction, seconds_left: Math.round(eta.leftMs / 1_000) };
  return {
    views: [view],
    isError: isUnsuccessful(job),
    data: ([shown = view]) => shown,
    viewerData: ([shown = view]) => ({
      [`${VIEWER_META}job`]: shown,
      ...(outlook !== undefined && { [`${VIEWER_META}outlook`]: outlook }),
    }),
    text: ([shown = view], notes) => jobText(shown, job, { waitedSeconds, notes }),
  };
}

/** There is no picture, or nobody knows whether there will be one. A job that only could not be polled goes on. */
function isUnsuccessful({ state, failure }: Job): boolean {
  const isOpen = state === 'queued' || state === 'submitting' || state === 'unknown';
  return state === 'failed' || (isOpen && failure !== undefined);
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

const PROMPT_IN_DATA_CHARACTERS = 200;
const PROMPT_IN_TEXT_CHARACTERS = 24;

function dataView(view: JobView, cut: number): JobView {
  return cut < CUTS.dataPrompts ? view : withShortPrompt(view, PROMPT_IN_DATA_CHARACTERS);
}

function textView(view: JobView, cut: number): JobView {
  const { url, ...rest } = cut < CUTS.textPrompts ? view : withShortPrompt(view, PROMPT_IN_TEXT_CHARACTERS);
  return url === undefined || cut >= CUTS.urls ? rest : { ...rest, url };
}

/** The mark keeps anybody from ordering with a prompt that is not complete. */
function withShortPrompt(view: JobView, maxCharacters: number): JobView {
  const characters = [...view.prompt];
  if (characters.length <= maxCharacters) return view;
  return { ...view, prompt: `${characters.slice(0, maxCharacters).join('')}… [shortened]` };
}

function cutNotes(views: readonly JobView[], cut: number): string[] {
  const max = cut < CUTS.textPrompts ? PROMPT_IN_DATA_CHARACTERS : PROMPT_IN_TEXT_CHARACTERS;
  return [
    ...(cut >= CUTS.dataPrompts && views.some(({ prompt }) => [...prompt].length > max)
      ? ['Prompts are shortened in this answer because this host accepts no more.']
      : []),
    ...(cut >= CUTS.urls && views.some(({ url }) => url !== undefined)
      ? ['URLs are left out of this answer for the same reason.']
      : []),
  ];
}

export function valueResult(value: Record<string, unknown>, text: string): CallToolResult {
  return { content: [{ type: 'text', text }], structuredContent: value };
}

/** A call that was refused before there was a job. */
export function refusal(failure: Failure, hasData: boolean): CallToolResult {
  const next = nextStep(failure);
  return {
    content: [{ type: 'text', text: `${failureSentences(failure)}\nNext: ${next}` }],
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
