/** Fits pictures into an answer: their share of the room, their part of the result, and the sentences about them. */
import type { ContentBlock } from '@modelcontextprotocol/server';
import type { Job } from '../core/job.ts';
import type { PreviewBounds, ShownPicture } from '../core/preview.ts';

/** `unfit`: this answer has no room for it, even as a preview. `undefined`: there is none that can be read. */
export type PictureSource = (job: Job, bounds: PreviewBounds) => Promise<ShownPicture | 'unfit' | undefined>;

/** Around the Base64 text of each picture. */
const AROUND_CHARACTERS = 100;
/** A picture of fewer characters shows too little for a person or a model to recognise. */
export const USEFUL_CHARACTERS = 4_000;
/** Pixels of the longer side of the smallest preview. */
const USEFUL_SIDE_PX = 96;
/** Previews are made one after the other, and somebody is waiting for the answer. */
const PREVIEWS_LIMIT_MS = 6_000;

/** How many bytes of a picture fit: Base64 makes four characters of three bytes. */
export function bytesWithin(characters: number): number {
  return Math.max(0, Math.floor((characters - AROUND_CHARACTERS) / 4) * 3);
}

/**
 * Pictures in their order, with equal shares of the room as long as shares are large enough to show something; then as
 * small as is useful, until the room is used.
 * @param now monotonic milliseconds
 */
export async function picturesWithin(
  jobs: readonly Job[],
  { characters, maxSidePx }: { characters: number; maxSidePx: number },
  pictureOf: PictureSource,
  now: () => number,
): Promise<ReadonlyMap<Job, ShownPicture>> {
  const pictures = new Map<Job, ShownPicture>();
  const until = now() + PREVIEWS_LIMIT_MS;
  let left = characters;
  for (const [at, job] of jobs.entries()) {
    if (pictures.size > 0 && now() > until) break;
    const share = Math.min(left, Math.max(left / (jobs.length - at), USEFUL_CHARACTERS));
    const attempts = [
      { maxBytes: bytesWithin(share), maxSidePx },
      { maxBytes: bytesWithin(left), maxSidePx: Math.min(maxSidePx, USEFUL_SIDE_PX) },
    ];
    const shown = await firstUseful(job, attempts, pictureOf);
    if (shown !== undefined) {
      left -= Math.ceil(shown.bytes.length / 3) * 4 + AROUND_CHARACTERS;
      pictures.set(job, shown);
    } else if (left < USEFUL_CHARACTERS) break;
  }
  return pictures;
}

async function firstUseful(
  job: Job,
  attempts: readonly PreviewBounds[],
  pictureOf: PictureSource,
): Promise<ShownPicture | undefined> {
  for (const bounds of attempts) {
    const picture = await pictureOf(job, bounds);
    if (picture === undefined) return undefined;
    if (picture !== 'unfit' && isUseful(picture, bounds)) return picture;
  }
  return undefined;
}

/** A picture that is small itself, or that the user wants smaller, is useful at any size. */
function isUseful({ isPreview, size }: ShownPicture, { maxSidePx }: PreviewBounds): boolean {
  if (!isPreview || size === undefined) return true;
  return Math.max(size.width, size.height) >= Math.min(USEFUL_SIDE_PX, maxSidePx);
}

export function imagePart({ bytes, mediaType }: ShownPicture): ContentBlock {
  return { type: 'image', data: base64Of(bytes), mimeType: mediaType };
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/**
 * The sentences about them; none where the answer has the very pictures.
 * @param jobs all of the call; @param saved those of them whose pictures could be shown
 */
export function pictureNotes(
  shown: ReadonlyMap<Job, ShownPicture>,
  jobs: readonly Job[],
  saved: readonly Job[],
): string[] {
  const [picture, ...more] = shown.values();
  if (picture === undefined)
    return jobs.length === 1
      ? [
          'The picture is not shown in this answer: it is larger than this host or a preview allows, of a type that cannot be shown here, or it cannot be read. Open the file instead.',
        ]
      : [`This answer has no previews, because they would exceed what this host accepts; ${ELSEWHERE}`];
  const numbers = [...shown.keys()].map((job) => jobs.indexOf(job) + 1);
  const others =
    shown.size < saved.length
      ? [`This answer shows, in this order: ${listed(numbers)}. For the other finished pictures, ${ELSEWHERE}`]
      : [];
  if (![picture, ...more].some(({ isPreview }) => isPreview)) return others;
  const { size } = picture;
  const of = size === undefined ? '' : ` of ${size.width} × ${size.height} pixels`;
  return jobs.length === 1
    ? [`This answer shows a preview${of}; the file has the full size.`]
    : [...others, 'Pictures are shown smaller than they are; the files have the full size.'];
}

const ELSEWHERE = 'see the files or the resources flux://images/{job_id}.';

function listed(numbers: readonly number[]): string {
  const [first = 0] = numbers;
  const last = numbers.at(-1) ?? 0;
  if (numbers.length > 2 && last - first === numbers.length - 1) return `pictures ${first} to ${last}`;
  return `${numbers.length === 1 ? 'picture' : 'pictures'} ${numbers.join(', ')}`;
}
