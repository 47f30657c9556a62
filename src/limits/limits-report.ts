/** What is known of plan, limits and credits, in figures. */

import type { BudgetSettings, LimitsState } from './limits.ts';
import { PLAN_LIMITS, type Plan } from './plan.ts';
import { permitsLeft, takePermit } from './rate-state.ts';
import { totalsOf } from './reservations.ts';

export type LimitsReport = {
  plan: Plan;
  requests: {
    /** Per minute; null where the plan sets none. */
    limit: number | null;
    /** That may leave now; null where no limit is known. */
    remaining: number | null;
    /** Epoch milliseconds; null as long as no answer reported it. */
    resetsAt: number | null;
    source: 'headers' | 'plan';
  };
  concurrent: { limit: number | null; inUse: number };
  daily: { limit: number | null; used: number };
  credits: {
    spentToday: number;
    budgetPerDay: number;
    /** For jobs whose exact price is not known yet. */
    reserved: number;
    /** null as long as no answer reported it. */
    lastKnownBalance: number | null;
    /** The last known balance is below the alert. */
    low: boolean;
  };
  images: { budgetPerDay: number };
  /** Epoch milliseconds; not before now. */
  nextRequestAt: number;
};

export function limitsReport(
  { plan, rateState, reservations, requestLimit, counting }: LimitsState,
  budget: BudgetSettings,
  now: number,
): LimitsReport {
  const limits = PLAN_LIMITS[plan];
  const totals = totalsOf(reservations);
  const { window } = rateState;
  const { answer } = takePermit(rateState, requestLimit, counting, now);
  const balance = rateState.balance?.credits ?? null;
  return {
    plan,
    requests: {
      limit: requestLimit,
      remaining: permitsLeft(rateState, requestLimit, counting, now),
      resetsAt: window.resetsAt !== undefined && window.resetsAt > now ? window.resetsAt : null,
      source: window.limit === undefined ? 'plan' : 'headers',
    },
    concurrent: { limit: limits.concurrentJobs, inUse: totals.slotsInUse },
    daily: { limit: limits.jobsPerDay, used: totals.images },
    credits: {
      spentToday: totals.spentCredits,
      budgetPerDay: budget.maxCreditsPerDay,
      reserved: totals.reservedCredits,
      lastKnownBalance: balance,
      low: balance !== null && balance < budget.lowCreditsAlert,
    },
    images: { budgetPerDay: budget.maxImagesPerDay },
    nextRequestAt: answer.granted ? now : answer.until,
  };
}
