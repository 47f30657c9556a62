/** The text of every file of records and shared values: a format, a checksum, the last changes, and the value. */
import { crc32 } from 'node:zlib';

/** Raised whenever a file of before could be misread. */
const FORMAT = 1;

/** The checksum is taken over all that follows it. */
const CHECKED = /^\{"format":1,"crc":"([0-9a-f]{8})",(.*)\}\n$/su;

export type Stored<Value> =
  | { type: 'value'; value: Value; changes: readonly string[] }
  /** Written by a newer version of this program: shown where it can be understood, never replaced. */
  | { type: 'newer'; value: Value | undefined }
  | { type: 'damaged'; reason: string };

export function storedText(value: unknown, changes: readonly string[]): string {
  const body = `"changes":${JSON.stringify(changes)},"value":${JSON.stringify(value)}`;
  return `{"format":${FORMAT},"crc":"${checksum(body)}",${body}}\n`;
}

/**
 * A text whose checksum is right was written by `storedText` and needs no validation, which would cost ten times as
 * much. A wrong checksum tells of damage that still reads well: a changed key would be a second order.
 * @param text `undefined` for what is no regular file
 */
export function readStored<Value>(
  text: string | undefined,
  parse: (stored: unknown) => Value | undefined,
): Stored<Value> {
  if (text === undefined) return { type: 'damaged', reason: 'it is not a regular file' };
  const [, crc, body] = CHECKED.exec(text) ?? [];
  if (crc === undefined || body === undefined) return readUnchecked(text, parse);
  if (checksum(body) !== crc) return { type: 'damaged', reason: 'its checksum is wrong' };
  const { value, changes } = JSON.parse(text) as { value: Value; changes: string[] };
  return { type: 'value', value, changes };
}

/** Written by hand or by another version. */
function readUnchecked<Value>(text: string, parse: (stored: unknown) => Value | undefined): Stored<Value> {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    return { type: 'damaged', reason: 'it is not whole JSON' };
  }
  const { format, value } = (stored ?? {}) as { format?: unknown; value?: unknown };
  if (typeof format !== 'number' || !(format >= 1)) return { type: 'damaged', reason: 'it names no format' };
  const parsed = parse(value);
  if (format > FORMAT) return { type: 'newer', value: parsed };
  if (parsed === undefined) return { type: 'damaged', reason: 'it does not hold what belongs there' };
  return { type: 'value', value: parsed, changes: [] };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
