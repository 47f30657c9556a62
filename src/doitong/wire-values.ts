/** Single values of an answer in every form in which services send them; what cannot be read for certain is absent. */
import * as z from 'zod';
import type { RemoteJob } from '../core/image-provider.ts';
import { JOB_FAILURE_TABLE } from './failure-table.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const CREDITS = /^\+?(\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?)(?:\s{1,5}credits?)?$/iu;

/** A string (or a number, as some services send it) that is safe in a document, a log line and a file name's text. */
export const remoteIdSchema = z
  .union([z.string(), z.number().transform(String)])
  .refine((id) => id.trim().length > 0 && id.length <= 200 && !/[\p{Cc}\p{Cs}]/u.test(id));

/** A price or a balance: a number, or a text that is one, perhaps with its unit. Never negative, never rounded. */
export const creditsSchema = z
  .union([z.number(), z.string().trim().max(60)])
  .transform((given) => (typeof given === 'number' ? given : Number(CREDITS.exec(given)?.[1] ?? Number.NaN)))
  // Without the sign of a zero.
  .pipe(z.number().min(0).transform(Math.abs));

/** Where the word stands in a status that is an object, and the text in a reason that is one. */
export const STATUS_NAMES = ['name', 'value', 'status', 'state', 'code', 'label'] as const;
export const REASON_NAMES = ['message', 'reason'] as const;

/** The word for a job's status, also where it is the first of a list or stands in an object. */
export function statusWord(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : textIn(value, STATUS_NAMES);
}

export function reasonText(value: unknown): string | undefined {
  return textIn(value, REASON_NAMES);
}

const REASON_FIELDS = ['error', 'errorMessage', 'failureReason', 'reason', 'statusMessage', 'message'] as const;

export function reasonIn(raw: Fields): string | undefined {
  const records = [raw, raw.metadata].filter(isRecord);
  const reasons = records.flatMap((record) => REASON_FIELDS.map((name) => reasonText(record[name])));
  return reasons.find((reason) => reason !== undefined);
}

function textIn(value: unknown, names: readonly string[], depth = 0): string | undefined {
  if (typeof value === 'string') return value.slice(0, 10_000).trim() || undefined;
  if (depth > 1) return undefined;
  const field = (name: string): unknown => (isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined);
  const inner: readonly unknown[] = Array.isArray(value) ? value.slice(0, 1) : names.map(field);
  return inner.map((one) => textIn(one, names, depth + 1)).find((text) => text !== undefined);
}

/**
 * What the words for a job's status mean, written as `normalStatus` leaves them: letters in lower case and digits alone.
 * Documented are `processing` and `completed`; the rest are the usual synonyms (docs/service-questions.md, row 3).
 */
const PHASES = {
  processing: ['processing', 'pending', 'queued', 'starting', 'running', 'inprogress'],
  completed: ['completed', 'succeeded', 'success', 'done', 'ready'],
  failed: Object.values(JOB_FAILURE_TABLE).flatMap(({ words }) => words),
};

/** The letters and digits of a word alone: `IN-PROGRESS`, `InProgress` and `in progress` are one. */
export function normalStatus(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** `undefined` for a word that nobody foresaw: the caller treats it as still processing. */
export function phaseOf(word: string): RemoteJob['phase'] | undefined {
  const wanted = normalStatus(word);
  return (['processing', 'completed', 'failed'] as const).find((phase) => PHASES[phase].includes(wanted));
}
