/** The picture inside an answer: how much room it has, the part that it becomes, and what is said about it. */
import type { ContentBlock } from '@modelcontextprotocol/server';
import type { Job } from '../core/job.ts';
import type { PreviewBounds, ShownPicture } from '../core/preview.ts';

/** `unfit`: there is a picture, but none that this answer can hold. `undefined`: there is none that can be read. */
export type PictureSource = (job: Job, bounds: PreviewBounds) => Promise<ShownPicture | 'unfit' | undefined>;

/** Around the Base64 text of each picture. */
const AROUND_CHARACTERS = 400;

/** What a picture may have of so many characters of a result: Base64 makes four characters of three bytes. */
export function bytesWithin(characters: number): number {
  return Math.max(0, Math.floor((characters - AROUND_CHARACTERS) / 4) * 3);
}

/** Characters of the part in the serialized result. */
export function charactersOf({ bytes }: ShownPicture): number {
  return Math.ceil(bytes.length / 3) * 4 + AROUND_CHARACTERS;
}

export function imagePart({ bytes, mediaType }: ShownPicture): ContentBlock {
  return {
    type: 'image',
    data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
    mimeType: mediaType,
  };
}

/** What is said beside it; nothing where the answer holds the very picture. */
export function pictureNote(picture: ShownPicture | 'unfit' | undefined): string[] {
  if (picture === 'unfit')
    return [
      'The picture is not shown inside this answer: it is larger than what this host takes, or of a format that is not made smaller here. Open the file instead.',
    ];
  if (picture === undefined || !picture.isPreview) return [];
  const { size } = picture;
  const of = size === undefined ? '' : ` of ${size.width} × ${size.height} pixels`;
  return [`Shown in this answer: a preview${of}; the file has the picture in its full size.`];
}
