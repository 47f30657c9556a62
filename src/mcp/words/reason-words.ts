/** The words for every reason, for models. */
import type { Failure } from '../../core/failure.ts';
import type { Reason, WordedReason } from '../../core/reasons.ts';
import { LIMITS_WORDS } from './limits.ts';
import { NETWORK_WORDS } from './network.ts';
import { ordersWords } from './orders.ts';
import { PICTURES_WORDS } from './pictures.ts';
import { SERVICE_WORDS } from './service.ts';
import { STORAGE_WORDS } from './storage.ts';

/** What is said of a failure: what happened, and what to do about it where more is known than its kind. */
export type Said = {
  /** Full sentences. */
  what: string;
  /** What only the user can do, without "Ask the user to" in front and without a full stop. */
  user?: string;
  /** What the model does, after the user has done that; full sentences. */
  next?: string;
};

type ReasonOf<R, Code> = R extends { code: infer Codes } ? (Code extends Codes ? R : never) : never;

/** The words for every reason of one subject; a text alone says what happened. */
export type Words<R extends { code: string }> = {
  [Code in R['code']]: (reason: ReasonOf<R, Code>, failure: Failure) => Said | string;
};

const WORDS: Words<Reason> = {
  ...ordersWords(reasonWords),
  ...LIMITS_WORDS,
  ...SERVICE_WORDS,
  ...NETWORK_WORDS,
  ...PICTURES_WORDS,
  ...STORAGE_WORDS,
  worded: ({ what, next }) => ({ what, ...(next !== undefined && { next }) }),
};

/** A record may have been written by a version that knew other reasons. */
export function reasonWords(reason: Reason, failure: Failure): Said {
  const words = Object.hasOwn(WORDS, reason.code) ? (WORDS[reason.code] as Words<WordedReason>['worded']) : undefined;
  const said = words?.(reason as WordedReason, failure) ?? 'The reason is not known to this version of the server.';
  return typeof said === 'string' ? { what: said } : said;
}
