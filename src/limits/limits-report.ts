/** What is known of plan, limits and credits, in figures, and how many pictures can be ordered by them. */
import { creditRange } from '../core/image-request.ts';
import { OBEYED_DELAY_MAX_MS } from '../core/primitives.ts';
import type { BudgetSettings } from './budget.ts';
import type { LimitsState } from './limits.ts';
import { PLAN_LIMITS } from './plan.ts';
import { permitsLeft, takePermit } from './rate-state.ts';
import { totalsOf } from './reservations.ts';

/** `null` where the plan sets no limit, or as long as no answer reported the figure. Times are epoch milliseconds. */
export type LimitsReport = ReturnType<typeof limitsReport>;

export function limitsReport(state: LimitsState, budget: BudgetSettings, now: number) {
  const { plan, planKnown, rateState, reservations, requestLimit, counting } = state;
  const limits = PLAN_LIMITS[plan];
  const { images, spentCredits, reservedCredits, slotsInUse } = totalsOf(reservations, now);
  const { limit, resetsAt } = rateState.window;
  const { answer } = takePermit(rateState, requestLimit, counting, now);
  const balance = rateState.balance?.credits ?? null;
  const isPaused = !answer.granted && answer.reported && answer.until - now > OBEYED_DELAY_MAX_MS + 1_000;
  const ofDay: readonly Room[] = [
    { by: 'requests', pictures: isPaused ? 0 : Number.POSITIVE_INFINITY },
    { by: 'budget_per_day', credits: budget.maxCreditsPerDay - spentCredits - reservedCredits },
    { by: 'images_today', pictures: budget.maxImagesPerDay - images },
    { by: 'daily', pictures: (limits.jobsPerDay ?? Number.POSITIVE_INFINITY) - images },
    { by: 'last_known_balance', credits: (balance ?? Number.POSITIVE_INFINITY) - reservedCredits },
  ];
  return {
    plan,
    planKnown,
    /** In one call, and in as many as are needed. */
    canOrder: orderable([...ofDay, { by: 'max_per_call', credits: budget.maxCreditsPerCall }]),
    canOrderToday: orderable(ofDay),
    requests: {
      /** Per minute. */
      limit: requestLimit,
      /** That may leave now. */
      remaining: permitsLeft(rateState, requestLimit, counting, now),
      resetsAt: resetsAt !== undefined && resetsAt > now ? resetsAt : null,
      source: limit === undefined ? ('plan' as const) : ('headers' as const),
    },
    concurrent: { limit: limits.concurrentJobs, inUse: slotsInUse },
    daily: { limit: limits.jobsPerDay, used: images },
    images: { limit: budget.maxImagesPerDay, used: images },
    credits: {
      spentToday: spentCredits,
      budgetPerDay: budget.maxCreditsPerDay,
      /** For jobs whose exact price is not known yet. */
      reserved: reservedCredits,
      maxPerCall: budget.maxCreditsPerCall,
      confirmAbove: budget.confirmAboveCredits,
      lastKnownBalance: balance,
      low: balance !== null && balance < budget.lowCreditsAlert,
    },
    /** Not before now. */
    nextRequestAt: answer.granted ? now : answer.until,
  };
}

/** What a picture of each size may cost in credits, whatever its shape. */
export const PRICES = {
  standard: creditRange(1_024, 1_024),
  large: { min: creditRange(2_048, 1_024).min, max: creditRange(2_048, 2_048).max },
};

/** Named as in the public report; a room is what one of them leaves. */
export type Limit = 'requests' | 'budget_per_day' | 'images_today' | 'daily' | 'last_known_balance' | 'max_per_call';
type Room = { by: Limit } & ({ credits: number } | { pictures: number });

/** How many pictures of each size find room at their highest price, and what limits the standard ones; the first of equals. */
function orderable(rooms: readonly Room[]) {
  const countsAt = (price: number) =>
    rooms.map((room) => Math.max(0, 'credits' in room ? Math.floor(room.credits / price) : room.pictures));
  const counts = countsAt(PRICES.standard.max);
  const standard = Math.min(...counts);
  const large = Math.min(...countsAt(PRICES.large.max));
  return { standard, large, limitedBy: rooms[counts.indexOf(standard)]?.by ?? 'requests' };
}
