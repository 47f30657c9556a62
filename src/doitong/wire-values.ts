/** Single values of an answer in every form in which services send them; what cannot be read for certain is absent. */
import * as z from 'zod';

const TEXT_MAX_CHARACTERS = 60;
const CREDITS = /^\+?(\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?)(?:\s{1,5}credits?)?$/iu;

/** A price or a balance: a number, or a text that is one, perhaps with its unit. Never negative, never rounded. */
export const creditsSchema = z
  .union([
    z.number(),
    z
      .string()
      .trim()
      .max(TEXT_MAX_CHARACTERS)
      .transform((text) => Number(CREDITS.exec(text)?.[1] ?? Number.NaN)),
  ])
  // Without the sign of a zero.
  .pipe(z.number().min(0).transform(Math.abs));

const STATUS_MAX_CHARACTERS = 600;
const STATUS_NAMES = ['name', 'value', 'status', 'state', 'code', 'label'] as const;

/** The word for a job's status, also where it is the first of a list or stands in an object. */
export function statusWord(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return value.slice(0, STATUS_MAX_CHARACTERS).trim() || undefined;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object' || value === null || depth > 1) return undefined;
  if (Array.isArray(value)) return statusWord(value[0], depth + 1);
  const record = value as Record<string, unknown>;
  const name = STATUS_NAMES.find(
    (one) => Object.hasOwn(record, one) && statusWord(record[one], depth + 1) !== undefined,
  );
  return name === undefined ? undefined : statusWord(record[name], depth + 1);
}
