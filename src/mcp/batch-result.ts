/** Puts the answer to a call for several pictures together: text, as many pictures as fit, links, and data. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { ShownPicture } from '../core/preview.ts';
import type { ResultPart } from '../core/result-part.ts';
import { bareBatchText } from './bare-batch-text.ts';
import { batchText, batchView } from './batch-text.ts';
import type { JobViewOptions } from './job-view.ts';
import { linkPart, type ResultForm } from './result.ts';
import { type Cuts, cutNotes, dataView, fitted, textView } from './result-room.ts';
import { imagePart, type PictureSource, picturesWithin, USEFUL_CHARACTERS } from './shown-picture.ts';
import type { JobsOutcome } from './tool.ts';
import { jobsMeta } from './viewer-link.ts';

/**
 * @param pictureOf asked for one finished picture after the other, each for its share of the room that is left
 * @param now monotonic milliseconds
 */
export async function batchResult(
  outcome: JobsOutcome,
  form: ResultForm,
  options: JobViewOptions,
  pictureOf: PictureSource,
  now: () => number,
): Promise<CallToolResult> {
  const view = batchView(outcome, options);
  const wants = (part: ResultPart): boolean => form.content.includes(part);
  const numbered = outcome.jobs.map((job, at) => ({ job, number: at + 1 }));
  const saved = numbered.filter(({ job }) => job.state === 'saved');

  const make = (cuts: Cuts, pictures: readonly ContentBlock[] = [], notes: readonly string[] = []): CallToolResult => {
    const data = { ...view, jobs: view.jobs.map((job) => dataView(job, cuts)) };
    const hasData = wants('structured') && !cuts.noData;
    const hasMeta = form.hasViewer && !cuts.noData;
    const links = wants('link') && !cuts.noUrls ? saved.map(({ job }) => linkPart(job)) : [];
    const content: ContentBlock[] = [...pictures, ...links];
    // Where the data give way, somebody has to say what they said.
    if (wants('text') || content.length === 0 || hasData !== wants('structured')) {
      const reported = { ...view, jobs: view.jobs.map((job) => textView(job, cuts)) };
      const all = [...notes, ...cutNotes(view.jobs, cuts)];
      content.unshift({
        type: 'text',
        text: cuts.bareText ? bareBatchText(reported, outcome, all) : batchText(reported, outcome, all),
      });
    }
    return {
      content,
      ...(hasData ? { structuredContent: data as Record<string, unknown> } : {}),
      // What the viewer needs is in the data, too.
      ...(hasMeta && !(hasData && cuts.shortDataPrompts) ? jobsMeta(data.jobs) : {}),
      ...(view.failed === view.jobs.length ? { isError: true } : {}),
    };
  };

  const shows = wants('image') && saved.length > 0;
  const { cuts, left } = fitted(make, form.maxCharacters, shows ? USEFUL_CHARACTERS : 0, 'batch');
  if (!shows) return make(cuts);
  const pictures = await picturesWithin(
    saved.map(({ job }) => job),
    { characters: left, maxSidePx: form.maxSidePx },
    pictureOf,
    now,
  );
  const numbers = [...pictures.keys()].flatMap((at) => saved[at]?.number ?? []);
  const shown = [...pictures.values()];
  return make(cuts, shown.map(imagePart), notesOn(shown, numbers, saved.length));
}

function notesOn(shown: readonly ShownPicture[], numbers: readonly number[], saved: number): string[] {
  const elsewhere = 'the files have them, and so have the resources flux://images/{job_id}.';
  if (shown.length === 0)
    return [`Previews are left out of this answer: what this host takes has no room for any; ${elsewhere}`];
  return [
    ...(shown.length < saved
      ? [`Shown in this answer, in this order: ${listed(numbers)}. The other finished pictures are not: ${elsewhere}`]
      : []),
    ...(shown.some(({ isPreview }) => isPreview)
      ? ['Pictures are shown smaller here than they are; the files have their full size.']
      : []),
  ];
}

function listed(numbers: readonly number[]): string {
  const first = numbers[0] ?? 0;
  const last = numbers.at(-1) ?? 0;
  if (numbers.length > 2 && last - first === numbers.length - 1) return `pictures ${first} to ${last}`;
  return `${numbers.length === 1 ? 'picture' : 'pictures'} ${numbers.join(', ')}`;
}
