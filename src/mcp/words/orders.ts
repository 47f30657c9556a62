/** The words for orders that were not sent or are open, for models. */
import type { Failure } from '../../core/failure.ts';
import type { OrderReason, Reason } from '../../core/reasons.ts';
import type { Said, Words } from './said.ts';

const CHECK_ACCOUNT = {
  user: 'check the account at Doitong',
  next: 'Order the picture again, with allow_duplicate true, only if the user agrees: that is a new, paid order.',
};

const HOST = {
  unanswered: '',
  earlier_unanswered: ', and this host left an earlier question unanswered',
  cannot_ask: ', and this host cannot ask the user',
} as const;

const DURING = { order: 'The request for the picture', read: 'Reading the job', save: 'Saving the picture' } as const;

/** @param wordsOf of the reasons inside others */
export const ordersWords = (wordsOf: (reason: Reason, failure: Failure) => Said): Words<OrderReason> => ({
  not_confirmed: ({ min, max, recent, threshold, why, tool }) => {
    const before = recent > 0 ? ` (and ${recent} were ordered without a yes in the last 10 minutes)` : '';
    const question = why === 'unanswered' ? 'The question was not answered. ' : '';
    return {
      what: `${question}This call may cost ${min} to ${max} credits${before}; above ${threshold} credits the user has to agree first${HOST[why]}.`,
      next: `Tell the user the price; only if the user agrees, call ${tool} again with the same arguments and max_credits ${max}.`,
    };
  },
  // Does not say how to order in spite of it.
  user_refused: () => ({
    what: 'The user did not confirm.',
    next: 'Tell the user that nothing was ordered; do not order unless the user now says yes.',
  }),
  user_cancelled: () => ({
    what: 'The user cancelled this order before it was sent.',
    next: 'Do not order this picture again unless the user now asks for it.',
  }),
  secret_in_order: ({ argument }) => ({
    what: `The ${argument} contains a secret of this server, such as the API key, so nothing was sent.`,
    next: 'Remove the secret from the text and call again. Tell the user that the secret was in it: a key that others may have seen should be replaced at Doitong.',
  }),
  owner_ended: () => 'This order was never sent, because its server stopped first.',
  order_cancelled: () => ({
    what: 'This order was never sent, because its call was cancelled first.',
    next: 'If the picture is still wanted, call generate_image again: only that order is paid for.',
  }),
  key_too_old: () => ({
    what: 'The order has had no clear answer, and is too old to be sent again under its key.',
    ...CHECK_ACCOUNT,
  }),
  other_key: () => ({
    what: 'The order has had no clear answer. It was sent with another API key, and with this one the service might take it for a new order, so it is not sent again.',
    ...CHECK_ACCOUNT,
  }),
  keys_ignored: () => ({
    what: 'The order has had no clear answer. It is not sent again, because this service has made two jobs from one order before and could charge for it twice.',
    user: 'check the account at Doitong and, only if the picture is not there, run "flux-pro-mcp jobs resume", which sends the order once more and may be charged again',
  }),
  unfinished_elsewhere: ({ ids, folders, isAdoptable, isEqual }) => {
    const more = ids.length > 5 ? ` and ${ids.length - 5} more` : '';
    const found = `unfinished and may be charged: ${ids.slice(0, 5).join(', ')}${more} (in ${folders.join(', ')}).`;
    return {
      what: isEqual
        ? `An equal order with another API key or service is ${found} So nothing was ordered now.`
        : `Orders with another API key or service are ${found}`,
      user: isAdoptable
        ? 'run "flux-pro-mcp jobs adopt" if that key belongs to the same account: this takes over the unfinished orders, so that an equal call finds them'
        : 'set DOITONG_API_URL and the key of that service again if the pictures are wanted',
      next: 'Order an equal picture only if the user wants another one, with allow_duplicate true: that is a new, paid order.',
    };
  },
  no_answer: () => ({
    what: 'The service has given no answer to this order for an hour, and the order is not sent again by itself.',
    next: 'Ask the user whether to send it again. If so, within those 23 hours, repeat the same call without allow_duplicate, or ask the user to run "flux-pro-mcp jobs resume". Later, the same call may be a new, paid order.',
  }),
  earlier_try_open: ({ last }, failure) => {
    const { what, ...todo } = wordsOf(last, failure);
    return { what: `An earlier try of this order may have been carried out. The last answer: ${what}`, ...todo };
  },
  no_try_brought_a_job: ({ tries, open, last }, failure) => {
    const about = `None of ${tries} tries of this order brought a job, and at least one may have been carried out.`;
    const { what, ...todo } = wordsOf(last, failure);
    const before = open === undefined ? '' : ` ${wordsOf(open, failure).what} The last answer:`;
    return { what: `${about}${before} ${what}`, ...todo };
  },
  unforeseen: ({ during, error }) => `${DURING[during]} ended in an unforeseen error (${error}).`,
});
