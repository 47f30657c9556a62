/** Bytes that arrived as a picture: what they are, and whether all of them came. */
import type { Picture } from '../core/image-store.ts';
import { failedWith, noPicture } from './download-failures.ts';
import { inspectPicture } from './inspect.ts';

/** @throws FluxError when they are no picture, or only the beginning of one */
export function pictureOf(bytes: Uint8Array): Picture {
  const seen = inspectPicture(bytes);
  if (seen === undefined) return unknownPicture(bytes);
  if (!seen.isWhole) throw failedWith('The finished picture came only in part.');
  const { mediaType, extension, size } = seen;
  return { bytes, mediaType, extension, ...(size === undefined ? {} : { size }) };
}

/** Smaller than any picture of any kind. */
const PICTURE_MIN_BYTES = 32;

/** It was paid for: bytes of a kind that is not known here are kept, and what is clearly an answer in words is not. */
function unknownPicture(bytes: Uint8Array): Picture {
  const words = wordsIn(bytes);
  if (words !== undefined) throw noPicture(words);
  if (bytes.length < PICTURE_MIN_BYTES) throw noPicture('something else');
  return { bytes, mediaType: 'application/octet-stream', extension: 'bin' };
}

/** Whether these bytes, or their beginning, may be what was saved under that extension. */
export function mayBeSavedAs(bytes: Uint8Array, extension: string): boolean {
  return extension === 'bin' ? wordsIn(bytes) === undefined : inspectPicture(bytes) !== undefined;
}

const EXAMINED_BYTES = 4_096;

/** What kind of text it is; `undefined` for none. SVG is text, and may hold scripts. */
function wordsIn(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'nothing';
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const read = Buffer.from(bytes.subarray(0, EXAMINED_BYTES)).toString(isUtf16 ? 'utf16le' : 'latin1');
  const text = read
    .replace(/^(?:\uFEFF|ï»¿)/u, '')
    .trimStart()
    .toLowerCase();
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<svg/u.test(text)) return 'an SVG drawing';
  if (/^(?:<!doctype html|<html|<head|<body|<script|<title)/u.test(text)) return 'an HTML page';
  // A picture has control characters long before this many bytes; read as Latin 1, UTF-8 has some beyond ASCII.
  if (/[^\P{Cc}\s\u0080-\u009f]/u.test(text)) return undefined;
  if (text.startsWith('{') || text.startsWith('[')) return 'JSON';
  return text.startsWith('<?xml') ? 'XML' : 'text';
}
