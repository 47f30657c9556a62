/** Why an order waits, was not sent, or is open: the failures of sending, in words. */
import type { Failure } from '../core/failure.ts';

/** Why an order has not been sent yet. `until` in epoch milliseconds, an estimate for a slot. */
export type WaitReason = { reason: 'slot' | 'permit'; until: number };

/** A record that says that nothing has left, and nobody who would send it any more. */
export const ABANDONED: Failure = {
  kind: 'unreachable',
  message: 'The server that was going to send this order ended, or seemed to have ended, before it sent anything.',
  creditsSpent: 'no',
  retry: 'later',
  remedy: 'Call generate_image again if the picture is still wanted.',
};

/** Its key may be forgotten by the service: sent once more it could be another order. */
export const KEY_TOO_OLD: Failure = {
  kind: 'ambiguous',
  message:
    'It is not known whether the service accepted this order, and the order is too old to be sent again under its key.',
  creditsSpent: 'maybe',
  retry: 'no',
  remedy: 'Ask the user to check the account at Doitong; order the picture again only if the user agrees.',
};

export const CANCELLED: Failure = {
  kind: 'rate_limited',
  message: 'The call was cancelled while the order was waiting to be sent, so the order was taken back.',
  creditsSpent: 'no',
  retry: 'later',
  remedy: 'Call generate_image again if the picture is still wanted.',
};

/**
 * What a refusal means for an order that was sent before and left open: it does not prove that the earlier try cost
 * nothing. Only an answer with the job closes it.
 */
export function stillOpen(failure: Failure): Failure {
  if (failure.creditsSpent !== 'no') return failure;
  return {
    ...failure,
    kind: 'ambiguous',
    message: `An earlier attempt at this order may have been carried out. The last answer: ${failure.message}`,
    creditsSpent: 'maybe',
    retry: 'same_job',
  };
}

/** What nobody foresaw may have cost something. */
export function unforeseen(error: unknown): Pick<Failure, 'message' | 'creditsSpent' | 'retry'> {
  const name = error instanceof Error ? error.name : typeof error;
  return {
    message: `The request for the picture ended in an unforeseen error (${name}).`,
    creditsSpent: 'maybe',
    retry: 'same_job',
  };
}

/**
 * The failure of an order that no try brought a job for, in the order in which they happened. As soon as one try left it
 * open whether the order was carried out, no later refusal can close it: only an answer with a job could have.
 */
export function failureOfAllTries(earlier: readonly Failure[], last: Failure): Failure {
  const tries = [...earlier, last];
  const open = tries.findLast(({ creditsSpent }) => creditsSpent !== 'no');
  if (open === undefined) return last;
  if (open === last && tries.every(({ kind }) => kind === last.kind)) return last;
  const about = `None of ${tries.length} tries of this order brought a job, and at least one may have been carried out.`;
  const lastWords = open === last ? last.message : `${open.message} The last answer: ${last.message}`;
  return { ...last, kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job', message: `${about} ${lastWords}` };
}
