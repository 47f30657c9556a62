/** What is known of plan, limits and credits, in figures. */
import type { BudgetSettings } from './budget.ts';
import type { LimitsState } from './limits.ts';
import { PLAN_LIMITS } from './plan.ts';
import { permitsLeft, takePermit } from './rate-state.ts';
import { totalsOf } from './reservations.ts';

/** `null` where the plan sets no limit, or as long as no answer reported the figure. Times are epoch milliseconds. */
export type LimitsReport = ReturnType<typeof limitsReport>;

export function limitsReport(state: LimitsState, budget: BudgetSettings, now: number) {
  const { plan, rateState, reservations, requestLimit, counting } = state;
  const limits = PLAN_LIMITS[plan];
  const totals = totalsOf(reservations, now);
  const { limit, resetsAt } = rateState.window;
  const { answer } = takePermit(rateState, requestLimit, counting, now);
  const balance = rateState.balance?.credits ?? null;
  return {
    plan,
    requests: {
      /** Per minute. */
      limit: requestLimit,
      /** That may leave now. */
      remaining: permitsLeft(rateState, requestLimit, counting, now),
      resetsAt: resetsAt !== undefined && resetsAt > now ? resetsAt : null,
      source: limit === undefined ? ('plan' as const) : ('headers' as const),
    },
    concurrent: { limit: limits.concurrentJobs, inUse: totals.slotsInUse },
    daily: { limit: limits.jobsPerDay, used: totals.images },
    credits: {
      spentToday: totals.spentCredits,
      budgetPerDay: budget.maxCreditsPerDay,
      /** For jobs whose exact price is not known yet. */
      reserved: totals.reservedCredits,
      lastKnownBalance: balance,
      low: balance !== null && balance < budget.lowCreditsAlert,
    },
    images: { budgetPerDay: budget.maxImagesPerDay },
    /** Not before now. */
    nextRequestAt: answer.granted ? now : answer.until,
  };
}
