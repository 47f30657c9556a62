/** What an order may cost, and what is said when the user's budget or the plan's day does not allow it. */

import { type CreditRange, creditRange } from '../core/credits.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { ImageRequest } from '../core/image-request.ts';
import type { LimitExceeded, SpendingLimits } from './reservations.ts';

/** In credits and pictures; shared by all processes with the same key. */
export type BudgetSettings = {
  maxCreditsPerCall: number;
  maxCreditsPerDay: number;
  maxImagesPerDay: number;
  /** Above this a call is confirmed first. */
  confirmAboveCredits: number;
  /** A known balance below this is warned of. */
  lowCreditsAlert: number;
};

/** What the pictures of one call may cost together. */
export function estimateOf(orders: readonly { request: ImageRequest }[]): CreditRange {
  return orders
    .map(({ request }) => creditRange(request.width, request.height))
    .reduce((sum, { min, max }) => ({ min: sum.min + min, max: sum.max + max }), { min: 0, max: 0 });
}

/**
 * Whether one call may cost so much at all.
 * @param accepted what the caller said it accepts to spend
 * @throws FluxError of kind `over_budget`
 */
export function checkCall(fence: CreditRange, settings: BudgetSettings, accepted: number | undefined): void {
  if (fence.max > settings.maxCreditsPerCall) {
    throw refusal(
      `This call may cost up to ${fence.max} credits, and one call may cost at most ${settings.maxCreditsPerCall}.`,
      'Order fewer or smaller pictures, or ask the user to raise FLUX_MAX_CREDITS_PER_CALL.',
      'no',
    );
  }
  if (accepted !== undefined && fence.max > accepted && fence.max <= settings.confirmAboveCredits) {
    throw refusal(
      `This call may cost up to ${fence.max} credits, more than max_credits (${accepted}).`,
      `Order fewer or smaller pictures, or repeat the call with max_credits ${fence.max} if the user accepts that.`,
      'no',
    );
  }
}

/** A balance that was reported longer ago says nothing about today's. */
const BALANCE_BELIEVED_MS = 24 * 60 * 60_000;

/**
 * Whether the last known balance could pay for the pictures of one call at all. It may have been topped up since: a
 * caller who accepts the whole price is believed.
 * @param balance in credits, as the service reported it last
 * @throws FluxError of kind `no_credits`; nothing was sent
 */
export function checkBalance(
  balance: { credits: number; at: number } | undefined,
  fence: CreditRange,
  accepted: number | undefined,
  now: number,
): void {
  if (balance === undefined || balance.credits >= fence.min || Math.abs(now - balance.at) > BALANCE_BELIEVED_MS) return;
  if (accepted !== undefined && accepted >= fence.max) return;
  throw new FluxError({
    kind: 'no_credits',
    message: `The call costs ${fence.min} to ${fence.max} credits, and the last known balance is ${balance.credits}. Nothing was sent.`,
    creditsSpent: 'no',
    retry: 'no',
    remedy: `Order fewer pictures, or ask the user to top up the credits at Doitong; if that has been done already, call again with max_credits ${fence.max}.`,
    creditsAvailable: balance.credits,
  });
}

/** The failure of a call that the budget or the plan's day does not allow. */
export function limitExceeded({ totals, allowed, wanted, limit }: LimitExceeded, now: number): FluxError {
  const what = wanted.images === 1 ? 'The order' : `The ${wanted.images} orders`;
  const left = Math.max(0, allowed - totals.images);
  const retryAfterSeconds = Math.ceil((86_400_000 - (now % 86_400_000)) / 1_000);
  const texts: Readonly<Record<keyof SpendingLimits, () => FluxError>> = {
    creditsPerDay: () =>
      refusal(
        `${what} may cost up to ${wanted.credits} credits, but only ${Math.max(0, allowed - totals.spentCredits - totals.reservedCredits)} of today's budget of ${allowed} are left (${totals.spentCredits} spent, ${totals.reservedCredits} reserved for running jobs).`,
        'Wait for running jobs (the exact prices are often lower than what is reserved) or for the next day (UTC), or ask the user to raise FLUX_MAX_CREDITS_PER_DAY.',
        'later',
        retryAfterSeconds,
      ),
    imagesPerDay: () =>
      refusal(
        left === 0
          ? `Today's limit of ${allowed} ${allowed === 1 ? 'picture' : 'pictures'} is used up (${totals.images} ordered).`
          : `The call asks for ${wanted.images} pictures, but only ${left} of today's ${allowed} ${left === 1 ? 'is' : 'are'} left.`,
        'Wait for the next day (UTC), or ask the user to raise FLUX_MAX_IMAGES_PER_DAY.',
        'later',
        retryAfterSeconds,
      ),
    jobsPerDay: () =>
      new FluxError({
        kind: 'rate_limited',
        message: `The plan allows ${allowed} jobs per day, and ${totals.images} were ordered today (UTC)${wanted.images === 1 ? '' : `; this call asks for ${wanted.images}`}; nothing was sent.`,
        creditsSpent: 'no',
        retry: 'later',
        retryAfterSeconds,
        remedy:
          'Wait for the next day (UTC), or ask the user to change to a larger plan, or to set DOITONG_PLAN if the plan is larger already.',
      }),
  };
  return texts[limit]();
}

function refusal(message: string, remedy: string, retry: Failure['retry'], retryAfterSeconds?: number): FluxError {
  return new FluxError({
    kind: 'over_budget',
    message: `${message} Nothing was sent.`,
    creditsSpent: 'no',
    retry,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    remedy,
  });
}
