/** The words for the user's budget, the plan and the limits of the service, for models. */
import type { LimitReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

export const LIMITS_WORDS: Words<LimitReason> = {
  call_too_expensive: ({ max, allowed }) => ({
    what: `This call may cost up to ${max} credits, and one call may cost at most ${allowed}. Nothing was sent.`,
    next: 'Order fewer or smaller pictures, or ask the user to raise FLUX_MAX_CREDITS_PER_CALL.',
  }),
  more_than_accepted: ({ max, accepted }) => ({
    what: `This call may cost up to ${max} credits, more than max_credits (${accepted}). Nothing was sent.`,
    next: `Order fewer or smaller pictures, or repeat the call with max_credits ${max} if the user accepts that.`,
  }),
  balance_too_low: ({ min, max, balance }) => ({
    what: `The call costs ${min} to ${max} credits, and the last known balance is ${balance}. Nothing was sent.`,
    next: `Order fewer pictures, or ask the user to top up the credits at Doitong; if that has been done already, call again with max_credits ${max}.`,
  }),
  budget_exceeded: ({ wanted, allowed, spent, reserved }) => {
    const what = wanted.images === 1 ? 'The order' : `The ${wanted.images} orders`;
    const left = Math.max(0, allowed - spent - reserved);
    return {
      what: `${what} may cost up to ${wanted.credits} credits, but only ${left} of today's budget of ${allowed} are left (${spent} spent, ${reserved} reserved for running jobs). Nothing was sent.`,
      next: 'Wait for running jobs (the exact prices are often lower than what is reserved) or for the next day (UTC), or ask the user to raise FLUX_MAX_CREDITS_PER_DAY.',
    };
  },
  pictures_exceeded: ({ wanted, allowed, ordered }) => {
    const left = Math.max(0, allowed - ordered);
    const what =
      left === 0
        ? `Today's limit of ${allowed} ${allowed === 1 ? 'picture' : 'pictures'} is used up (${ordered} ordered).`
        : `The call asks for ${wanted.images} pictures, but only ${left} of today's ${allowed} ${left === 1 ? 'is' : 'are'} left.`;
    return {
      what: `${what} Nothing was sent.`,
      next: 'Wait for the next day (UTC), or ask the user to raise FLUX_MAX_IMAGES_PER_DAY.',
    };
  },
  plan_exceeded: ({ wanted, allowed, ordered }) => {
    const asked = wanted.images === 1 ? '' : `; this call asks for ${wanted.images}`;
    return {
      what: `The plan allows ${allowed} jobs per day, and ${ordered} were ordered today (UTC)${asked}; nothing was sent.`,
      next: 'Wait for the next day (UTC), or ask the user to change to a larger plan, or to set DOITONG_PLAN if the plan is larger already.',
    };
  },
  requests_paused: () => 'The service has asked for no requests until its limit is over, so nothing was sent.',
};
