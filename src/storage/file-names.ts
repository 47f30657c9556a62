/** Names for pictures that every file system takes: from a prompt or from the stem that a caller asked for. */
import type { PictureLabel } from '../core/image-store.ts';

/** Bytes of the readable part; the job id, the extension and common limits of 255 bytes leave room to spare. */
const STEM_MAX_BYTES = 80;
/** Device names that Windows takes for itself, with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)(?:\.|$)/iu;
const IMAGE_EXTENSION = /\.(?:jpe?g|png|webp|avif|gif|tiff?|bmp|hei[cf]|jxl|jp2)$/iu;

/** `YYYY-MM` of the day on which the job was created, in UTC. */
export function monthFolder(createdAt: number): string {
  return new Date(createdAt).toISOString().slice(0, 7);
}

/** `stem_jobid.extension`; the job id keeps it apart from every other picture. */
export function pictureFileName(label: Pick<PictureLabel, 'jobId' | 'prompt' | 'fileName'>, extension: string): string {
  const stem = safeStem(label.fileName?.replace(IMAGE_EXTENSION, '') ?? label.prompt);
  return `${stem}_${label.jobId.replace(/[^\w-]/gu, '')}.${extension.replace(/[^a-z0-9]/gu, '')}`;
}

/** Letters, digits and single dashes of any script, at most 80 bytes, never empty, hidden or reserved. */
export function safeStem(text: string): string {
  const words = text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, '-');
  const cut = withinBytes(words.replace(/^-/u, ''), STEM_MAX_BYTES).replace(/-$/u, '');
  if (cut === '') return 'picture';
  return isReservedName(cut) ? `picture-${cut}` : cut;
}

/** A device on Windows, with any extension. */
export const isReservedName = (name: string): boolean => RESERVED.test(name);

function withinBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}
