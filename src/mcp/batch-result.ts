/** Puts the answer to a call for several pictures together: text, as many pictures as fit, links, and data. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { ShownPicture } from '../core/preview.ts';
import type { ResultPart } from '../core/result-part.ts';
import { batchText, batchView } from './batch-text.ts';
import type { JobViewOptions } from './job-view.ts';
import { ENVELOPE_CHARACTERS, linkPart, type ResultShape } from './result.ts';
import { bytesWithin, charactersOf, imagePart, type PictureSource } from './shown-picture.ts';
import { jobsMeta } from './viewer-link.ts';
import type { JobsOutcome } from './tool.ts';

/** What is kept free for the sentences about the pictures. */
const NOTE_CHARACTERS = 600;
/** Around each link. */
const LINK_CHARACTERS = 400;
/** Previews are made one after the other; whoever waits for the answer has waited long enough by then. */
const PREVIEWS_LIMIT_MS = 6_000;

/**
 * @param pictureOf asked for one finished picture after the other, each for its share of the room that is left
 * @param now monotonic milliseconds
 */
export async function batchResult(
  outcome: JobsOutcome,
  shape: ResultShape,
  options: JobViewOptions,
  pictureOf: PictureSource,
  now: () => number,
): Promise<CallToolResult> {
  const view = batchView(outcome, options);
  const wants = (part: ResultPart): boolean => shape.parts.includes(part);
  const structured = wants('structured') ? { structuredContent: view as Record<string, unknown> } : {};
  const meta = shape.hasViewer ? jobsMeta(view.jobs) : {};
  const saved = outcome.jobs.filter((job) => job.state === 'saved');
  const links = wants('link') ? saved.map(linkPart) : [];
  const taken =
    2 * batchText(view, outcome, []).length +
    JSON.stringify({ ...structured, ...meta }).length +
    links.length * LINK_CHARACTERS +
    NOTE_CHARACTERS +
    ENVELOPE_CHARACTERS;
  const pictures: ShownPicture[] = [];
  let left = shape.maxCharacters - taken;
  const until = now() + PREVIEWS_LIMIT_MS;
  for (const [at, job] of (wants('image') ? saved : []).entries()) {
    const maxBytes = bytesWithin(left / (saved.length - at));
    const picture = await pictureOf(job, { maxBytes, maxSidePx: shape.maxSidePx });
    if (picture === undefined) continue;
    // In their order, so that a person can count them: what comes after is in its file.
    if (picture === 'unfit') break;
    left -= charactersOf(picture);
    pictures.push(picture);
    if (now() > until) break;
  }
  const content: ContentBlock[] = [...pictures.map(imagePart), ...links];
  if (wants('text') || content.length === 0) {
    const notes = wants('image') ? notesOn(pictures, saved.length) : [];
    content.unshift({ type: 'text', text: batchText(view, outcome, notes) });
  }
  return { content, ...structured, ...meta, ...(view.failed === view.jobs.length ? { isError: true } : {}) };
}

function notesOn(shown: readonly ShownPicture[], saved: number): string[] {
  if (saved === 0) return [];
  if (shown.length === 0)
    return ['The pictures are larger than what this host takes inside an answer; open the files instead.'];
  return [
    ...(shown.length < saved
      ? [
          `Only the first ${shown.length} of the ${saved} finished pictures are shown here; the others are in their files.`,
        ]
      : []),
    ...(shown.some(({ isPreview }) => isPreview)
      ? ['Pictures are shown smaller here than they are; the files have their full size.']
      : []),
  ];
}
