/** Reads the bytes out of a data URL (RFC 2397), however it is spelled. */

import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import { failed, tooLarge } from './download-failures.ts';

/** Media type and parameters before the comma are short; without a comma there is nothing behind them. */
const HEAD_MAX_CHARACTERS = 1_000;
const PERCENT = 0x25;

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
  const data = percentDecoded(Buffer.from(text.slice(comma + 1), 'latin1'));
  // Buffer reads both alphabets of Base64 and steps over blanks.
  const bytes = isBase64 ? Buffer.from(data.toString('latin1'), 'base64') : data;
  if (bytes.length > PICTURE_MAX_BYTES) throw tooLarge(PICTURE_MAX_BYTES);
  return bytes;
}

function percentDecoded(data: Buffer): Buffer {
  if (!data.includes(PERCENT)) return data;
  const decoded = Buffer.alloc(data.length);
  let size = 0;
  for (let at = 0; at < data.length; at += 1, size += 1) {
    const value = data[at] === PERCENT ? hexAt(data, at + 1) : undefined;
    decoded[size] = value ?? data[at] ?? 0;
    if (value !== undefined) at += 2;
  }
  return decoded.subarray(0, size);
}

function hexAt(data: Buffer, at: number): number | undefined {
  const digits = data.toString('latin1', at, at + 2);
  return /^[0-9a-f]{2}$/iu.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
