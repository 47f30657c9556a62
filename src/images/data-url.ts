/** Reads the bytes out of a data URL (RFC 2397), however it is written. */

import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import { failed, tooLarge } from './download-failures.ts';

/** Media type and parameters before the comma are short; without a comma there is nothing behind them. */
const HEAD_MAX_CHARACTERS = 1_000;
/** Anything else behind a percent sign is taken as it is. */
const ESCAPED = /%([0-9a-f]{2})/giu;

export function isDataUrl(text: string): boolean {
  return /^data:/iu.test(text.slice(0, 5));
}

/**
 * What its media type says is not asked: the bytes are inspected like those of any picture.
 * @throws FluxError of kind `download_failed`
 */
export function bytesOfDataUrl(text: string): Uint8Array {
  const comma = text.slice(0, HEAD_MAX_CHARACTERS).indexOf(',');
  if (comma < 0) throw failed('the service sent a data URL without data');
  const isBase64 = /;\s*base64\s*$/iu.test(text.slice(0, comma));
  const data = text
    .slice(comma + 1)
    .replaceAll(ESCAPED, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  // Buffer reads both alphabets of Base64 and steps over blanks.
  const bytes = Buffer.from(data, isBase64 ? 'base64' : 'latin1');
  if (bytes.length > PICTURE_MAX_BYTES) throw tooLarge();
  return bytes;
}
