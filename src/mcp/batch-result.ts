/** Puts the answer to a call for several pictures together: text, as many pictures as fit, links, and data. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { Job } from '../core/job.ts';
import type { ResultPart } from '../core/result-part.ts';
import { batchText, batchView } from './batch-text.ts';
import type { JobViewOptions } from './job-view.ts';
import { base64Length, ENVELOPE_CHARACTERS, imagePart, linkPart, type ResultShape } from './result.ts';
import type { JobsOutcome } from './tool.ts';

/** What is kept free for the sentence that names the pictures that did not fit. */
const NOTE_CHARACTERS = 400;
/** Around each picture and each link. */
const PART_CHARACTERS = 400;

/** @param pictureOf the bytes of a finished picture; asked for one after the other, as long as they fit */
export async function batchResult(
  outcome: JobsOutcome,
  shape: ResultShape,
  options: JobViewOptions,
  pictureOf: (job: Job) => Promise<Uint8Array | undefined>,
): Promise<CallToolResult> {
  const view = batchView(outcome, options);
  const wants = (part: ResultPart): boolean => shape.parts.includes(part);
  const structured = wants('structured') ? { structuredContent: view as Record<string, unknown> } : {};
  const saved = outcome.jobs.filter((job) => job.state === 'saved');
  const links = wants('link') ? saved.map(linkPart) : [];
  const taken =
    2 * batchText(view, outcome, []).length +
    JSON.stringify(structured).length +
    links.length * PART_CHARACTERS +
    NOTE_CHARACTERS +
    ENVELOPE_CHARACTERS;
  const pictures: ContentBlock[] = [];
  let left = shape.maxCharacters - taken;
  for (const job of wants('image') ? saved : []) {
    const picture = await pictureOf(job);
    if (picture === undefined) continue;
    left -= base64Length(picture) + PART_CHARACTERS;
    // In their order, so that a person can count them: what comes after is in its file.
    if (left < 0) break;
    pictures.push(imagePart(picture, job));
  }
  const content: ContentBlock[] = [...pictures, ...links];
  if (wants('text') || content.length === 0) {
    const notes = wants('image') && pictures.length < saved.length ? [note(pictures.length, saved.length)] : [];
    content.unshift({ type: 'text', text: batchText(view, outcome, notes) });
  }
  return { content, ...structured, ...(view.failed === view.jobs.length ? { isError: true } : {}) };
}

function note(shown: number, saved: number): string {
  if (shown === 0) return 'The pictures are larger than what this host takes inside an answer; open the files instead.';
  return `Only the first ${shown} of the ${saved} finished pictures fit into this answer; the others are in their files.`;
}
