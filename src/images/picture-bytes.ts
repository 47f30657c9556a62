/** Bytes that arrived as a picture: what they are, and whether all of them came. */
import type { Picture } from '../core/image-store.ts';
import { cutOff, noPicture } from './download-failures.ts';
import { inspectPicture } from './inspect.ts';

/** @throws FluxError when they are no picture, or only the beginning of one */
export function pictureOf(bytes: Uint8Array): Picture {
  const seen = inspectPicture(bytes);
  if (seen === undefined) throw noPicture(lookOf(bytes));
  if (!seen.isWhole) throw cutOff();
  const { mediaType, extension, size } = seen;
  return { bytes, mediaType, extension, ...(size === undefined ? {} : { size }) };
}

const LOOKED_AT_BYTES = 512;

function lookOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'nothing';
  const text = Buffer.from(bytes.subarray(0, LOOKED_AT_BYTES)).toString('latin1').trimStart().toLowerCase();
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<svg/u.test(text)) return 'an SVG drawing';
  if (/^(?:<!doctype html|<html|<head|<body|<script|<title)/u.test(text)) return 'an HTML page';
  if (text.startsWith('{') || text.startsWith('[')) return 'JSON';
  return 'something else';
}
