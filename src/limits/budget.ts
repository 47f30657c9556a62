/** May it be spent: what a call may cost, what it only repeats, whether the user is asked first, and the refusals. */
import { FluxError } from '../core/failure.ts';
import { type CreditRange, creditRange, type ImageRequest } from '../core/image-request.ts';
import { HOUR_MS, isWithin, type Job } from '../core/job.ts';
import type { Times } from '../core/ports.ts';
import type { LimitReason } from '../core/reasons.ts';
import type { RateState } from './rate-state.ts';
import { DAY_MS, type LimitExceeded } from './reservations.ts';

/** In credits and pictures. */
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
export function estimateOf(orders: readonly { request: ImageRequest }[]): Estimate {
  const prices = orders.map(({ request }) => creditRange(request.width, request.height));
  const sum = (end: 'min' | 'max'): number => prices.reduce((before, price) => before + price[end], 0);
  return { min: sum('min'), max: sum('max'), images: orders.length };
}

type Estimate = CreditRange & { images: number };

/** @param accepted what the caller said it accepts to spend. @throws FluxError of kind `over_budget` */
export function checkCall({ max, images }: Estimate, settings: BudgetSettings, accepted: number | undefined): void {
  if (max > settings.maxCreditsPerCall)
    throw refusal({ code: 'call_too_expensive', max, allowed: settings.maxCreditsPerCall, images });
  if (accepted !== undefined && max > accepted) throw refusal({ code: 'more_than_accepted', max, accepted, images });
}

/**
 * Whether the last known balance could pay for the pictures of one call at all. It may have been topped up since: it is
 * believed for a day, and not against a caller who accepts the whole price.
 * @throws FluxError of kind `no_credits`; nothing was sent
 */
export function checkBalance(known: RateState['balance'], estimate: Estimate, accepted = 0, now: number): void {
  const { min, max } = estimate;
  if (known === undefined || known.credits >= min || Math.abs(now - known.at) > DAY_MS || accepted >= max) return;
  const { credits: creditsAvailable } = known;
  const reason = { code: 'balance_too_low', ...estimate, balance: creditsAvailable } as const;
  throw new FluxError({ kind: 'no_credits', reason, creditsSpent: 'no', retry: 'no', creditsAvailable });
}

/** For how long an order is found that is open or of unknown outcome: it may be charged at any moment. */
export const openFoundMs = (hours = 24): number => Math.max(hours, 24) * HOUR_MS;

/** Equal orders are searched for since then; a picture that was saved more than a day after its order has a hint. */
export const foundSince = (hours: number, { here, there = here }: Times): number =>
  Math.min(here, there) - openFoundMs(hours) - DAY_MS;

/**
 * Whether an equal order finds this job instead of a new picture: whether a host received an answer cannot be known. A
 * failed one is in the way only if it was moderated: the same prompt would be paid for and refused again.
 * @param hours from when its picture was saved (`FLUX_DUPLICATE_HOURS`)
 */
export function isDuplicate(job: Job, hours: number, times: Times): boolean {
  const windowMs = hours * HOUR_MS;
  if (job.state === 'saved') return isWithin(job.savedAt ?? job.updatedAt, windowMs, times);
  if (job.state === 'failed') return job.failure?.kind === 'moderated' && isWithin(job.createdAt, windowMs, times);
  return isWithin(job.createdAt, openFoundMs(hours), times);
}

/** The failure of a call that the budget or the plan's day does not allow. */
export function limitExceeded({ totals, allowed, wanted, limit }: LimitExceeded, now: number): FluxError {
  const { images: ordered, spentCredits: spent, reservedCredits: reserved } = totals;
  const untilTomorrow = Math.ceil((DAY_MS - (now % DAY_MS)) / 1_000);
  const reasons: Record<typeof limit, LimitReason> = {
    creditsPerDay: { code: 'budget_exceeded', wanted, allowed, spent, reserved },
    imagesPerDay: { code: 'pictures_exceeded', wanted, allowed, ordered },
    jobsPerDay: { code: 'plan_exceeded', wanted, allowed, ordered },
  };
  // More than a whole day allows is refused tomorrow as well.
  const isEverPossible = (limit === 'creditsPerDay' ? wanted.credits : wanted.images) <= allowed;
  return refusal(reasons[limit], isEverPossible ? untilTomorrow : undefined);
}

function refusal(reason: LimitReason, retryAfterSeconds?: number): FluxError {
  return new FluxError({
    kind: reason.code === 'plan_exceeded' ? 'rate_limited' : 'over_budget',
    reason,
    creditsSpent: 'no',
    ...(retryAfterSeconds === undefined ? { retry: 'no' } : { retry: 'later', retryAfterSeconds }),
  });
}

/**
 * What became of the question to the user. `yes`: to a price of at most `upTo` credits. `no`: declined, or the form came
 * back without a yes. `unanswered`: closed, or the host gave no answer that can be read.
 */
export type Answer = { type: 'yes'; upTo: number } | { type: 'no' } | { type: 'unanswered' };

export type Confirmation = {
  /** The most that the caller wants to spend. */
  accepted: number | undefined;
  /** Whether somebody can be asked; `unanswered`: not by this host, which left an earlier question without an answer. */
  canAsk: boolean | 'unanswered';
  answer: Answer | undefined;
  /** The tool to call again. */
  tool: string;
};

/**
 * Whether a call may spend its price without asking, or the user has to be asked first; nothing may happen before. Where
 * the user can be asked, the price that the caller accepts is a ceiling and no consent.
 * @param recent credits that were ordered without a yes in the last ten minutes
 * @returns `confirmed`: the user has said yes, or the caller has where nobody can be asked
 * @throws FluxError of kind `not_confirmed`
 */
export function confirm(
  { min, max }: CreditRange,
  recent: number,
  { accepted, canAsk, answer, tool }: Confirmation,
  { confirmAboveCredits: threshold }: Pick<BudgetSettings, 'confirmAboveCredits'>,
): 'unasked' | 'confirmed' | 'ask' {
  const refused = { kind: 'not_confirmed', creditsSpent: 'no' } as const;
  if (answer?.type === 'no') throw new FluxError({ ...refused, reason: { code: 'user_refused' }, retry: 'no' });
  if (max + recent <= threshold) return 'unasked';
  if (answer?.type === 'yes' && max <= answer.upTo) return 'confirmed';
  if (canAsk === true && answer?.type !== 'unanswered') return 'ask';
  if (canAsk !== true && answer === undefined && accepted !== undefined && accepted >= max) return 'confirmed';
  const why = answer !== undefined ? 'unanswered' : canAsk === 'unanswered' ? 'earlier_unanswered' : 'cannot_ask';
  const reason = { code: 'not_confirmed', min, max, recent, threshold, tool, why } as const;
  throw new FluxError({ ...refused, reason, retry: 'later' });
}
