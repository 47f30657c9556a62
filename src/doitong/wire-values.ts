/** Single values of an answer in every form in which services send them; what cannot be read for certain is absent. */
import * as z from 'zod';

const REMOTE_ID_MAX_CHARACTERS = 200;
const CREDITS_MAX_CHARACTERS = 60;
const STATUS_MAX_CHARACTERS = 600;
const CREDITS = /^\+?(\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?)(?:\s{1,5}credits?)?$/iu;

/** A string (or a number, as some services send it) that is safe in a document, a log line and a file name's text. */
export const remoteIdSchema = z
  .union([z.string(), z.number().transform(String)])
  .refine((id) => id.trim().length > 0 && id.length <= REMOTE_ID_MAX_CHARACTERS && !/[\p{Cc}\p{Cs}]/u.test(id));

/** A price or a balance: a number, or a text that is one, perhaps with its unit. Never negative, never rounded. */
export const creditsSchema = z
  .union([
    z.number(),
    z
      .string()
      .trim()
      .max(CREDITS_MAX_CHARACTERS)
      .transform((text) => Number(CREDITS.exec(text)?.[1] ?? Number.NaN)),
  ])
  // Without the sign of a zero.
  .pipe(z.number().min(0).transform(Math.abs));

/** Where the word stands in a status that is an object, and the text in a reason that is one. */
export const STATUS_NAMES = ['name', 'value', 'status', 'state', 'code', 'label'] as const;
export const REASON_NAMES = ['message', 'reason'] as const;

/** The word for a job's status, also where it is the first of a list or stands in an object. */
export function statusWord(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return value.slice(0, STATUS_MAX_CHARACTERS).trim() || undefined;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object' || value === null || depth > 1) return undefined;
  if (Array.isArray(value)) return statusWord(value[0], depth + 1);
  return firstWord(value, STATUS_NAMES, (inner) => statusWord(inner, depth + 1));
}

/** The text of a reason for a failure. */
export function reasonText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() || undefined;
  return typeof value === 'object' && value !== null ? firstWord(value, REASON_NAMES, stringIn) : undefined;
}

const stringIn = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.trim() || undefined : undefined;

function firstWord(
  record: object,
  names: readonly string[],
  read: (value: unknown) => string | undefined,
): string | undefined {
  const words = names.map((name) =>
    Object.hasOwn(record, name) ? read((record as Record<string, unknown>)[name]) : undefined,
  );
  return words.find((word) => word !== undefined);
}
