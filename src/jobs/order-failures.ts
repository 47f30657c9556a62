/** Why an order waits, was not sent, or is open: the failures of sending, in words. */
import type { Failure } from '../core/failure.ts';

/** Why an order has not been sent yet. `until` in epoch milliseconds, an estimate for a place. */
export type Hold = { reason: 'place' | 'permit'; until: number };

/** A record that says that nothing has left, and nobody who would send it any more. */
export const UNSENT: Failure = {
  kind: 'unreachable',
  message: 'The server that was to send this order ended before it did, or was taken for ended; nothing was sent.',
  creditsSpent: 'no',
  retry: 'later',
  remedy: 'Call generate_image again if the picture is still wanted.',
};

/** Another process has taken the job over, or closed it, before this one sent anything. */
export const TAKEN: Failure = {
  kind: 'ambiguous',
  message: 'Another process carries this order on.',
  creditsSpent: 'maybe',
  retry: 'same_job',
};

/** Its key may be forgotten by the service: sent once more it could be another order. */
export const KEY_TOO_OLD: Failure = {
  kind: 'ambiguous',
  message: 'Whether the service took this order is not known, and it is too old to be sent again under its key.',
  creditsSpent: 'maybe',
  retry: 'no',
  remedy: "Ask the user to look at the account at Doitong; order the picture anew only with the user's consent.",
};

export const WITHDRAWN: Failure = {
  kind: 'rate_limited',
  message: 'The call was cancelled while the order waited to be sent, so it was taken back.',
  creditsSpent: 'no',
  retry: 'later',
  remedy: 'Call generate_image again if the picture is still wanted.',
};

/**
 * What a refusal means for an order that was sent before and left open: it does not prove that the earlier try cost
 * nothing. Only an answer that holds the job closes it.
 */
export function stillOpen(failure: Failure): Failure {
  if (failure.creditsSpent !== 'no') return failure;
  return {
    ...failure,
    kind: 'ambiguous',
    message: `An earlier try of this order may have been carried out. The last answer: ${failure.message}`,
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
