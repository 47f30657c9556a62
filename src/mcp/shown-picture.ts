/** Fits pictures into an answer: their share of the room, their part of the result, and the sentence about them. */
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

/** How many bytes of a picture fit: Base64 makes four characters of three bytes. */
export function bytesWithin(characters: number): number {
  return Math.max(0, Math.floor((characters - AROUND_CHARACTERS) / 4) * 3);
}

/** Characters of the part in the serialized result. */
function charactersOf({ bytes }: ShownPicture): number {
  return Math.ceil(bytes.length / 3) * 4 + AROUND_CHARACTERS;
}

/** Previews are made one after the other, and somebody is waiting for the answer. */
const PREVIEWS_LIMIT_MS = 6_000;

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
      left -= charactersOf(shown);
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
  return {
    type: 'image',
    data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
    mimeType: mediaType,
  };
}

/** The sentence about it; none where the answer has the very picture. */
export function pictureNote(picture: ShownPicture | 'unfit' | undefined): string[] {
  if (picture === 'unfit')
    return [
      'The picture is not shown in this answer: it is larger than this host or a preview allows, of a type that cannot be shown here, or damaged. Open the file instead.',
    ];
  if (picture === undefined || !picture.isPreview) return [];
  const { size } = picture;
  const of = size === undefined ? '' : ` of ${size.width} × ${size.height} pixels`;
  return [`This answer shows a preview${of}; the file has the full size.`];
}
