/** The words for every reason, for models. */
import type { Failure } from '../../core/failure.ts';
import type { Reason, WordedReason } from '../../core/reasons.ts';
import { LIMITS_WORDS } from './limits.ts';
import { NETWORK_WORDS } from './network.ts';
import { ordersWords } from './orders.ts';
import { PICTURES_WORDS } from './pictures.ts';
import type { Said, Words } from './said.ts';
import { SERVICE_WORDS } from './service.ts';
import { STORAGE_WORDS } from './storage.ts';

const WORDED: Words<WordedReason> = { worded: ({ what, next }) => ({ what, ...(next !== undefined && { next }) }) };

const WORDS: Words<Reason> = {
  ...ordersWords(reasonWords),
  ...LIMITS_WORDS,
  ...SERVICE_WORDS,
  ...NETWORK_WORDS,
  ...PICTURES_WORDS,
  ...STORAGE_WORDS,
  ...WORDED,
};

/** A record may have been written by a version that knew other reasons. */
export function reasonWords(reason: Reason, failure: Failure): Said {
  const words = Object.hasOwn(WORDS, reason.code) ? (WORDS[reason.code] as Words<WordedReason>['worded']) : undefined;
  return words?.(reason as WordedReason, failure) ?? { what: 'The reason is not known to this version of the server.' };
}
