/** What is known of plan, limits and credits, without asking anybody. */
import { isEnded, type Job } from '../core/job.ts';
import { PLAN_LIMITS, type Plan, planOfRequestLimit } from '../core/plan.ts';
import { nextRequestAt, type RateWindow } from '../core/rate-window.ts';

export type LimitsReport = {
  plan: Plan;
  requests: {
    /** Per minute; null where the plan sets none. */
    limit: number | null;
    /** Left in the window; null as long as no answer told it. */
    remaining: number | null;
    /** Epoch milliseconds; null as long as no answer told it. */
    resetsAt: number | null;
    source: 'headers' | 'plan';
  };
  concurrent: { limit: number | null; inUse: number };
  daily: { limit: number | null; used: number };
  credits: { spentToday: number; lastKnownBalance: number | null };
  /** Epoch milliseconds; not before now. */
  nextRequestAt: number;
};

export function limitsReport(input: {
  configuredPlan: Plan | 'auto';
  window: RateWindow;
  balance: number | undefined;
  jobs: readonly Job[];
  now: number;
}): LimitsReport {
  const { window, now } = input;
  const plan = planOf(input.configuredPlan, window);
  const limits = PLAN_LIMITS[plan];
  const day = utcDay(now);
  // An order whose outcome is not known may well hold a place there.
  const sent = input.jobs.filter(
    (job) => job.remoteId !== undefined || (job.state === 'submitting' && job.failure !== undefined),
  );
  const today = sent.filter((job) => utcDay(job.createdAt) === day);
  const windowIsOver = window.resetsAt !== undefined && window.resetsAt <= now;
  const limit = window.limit ?? limits.requestsPerMinute;
  return {
    plan,
    requests: {
      limit,
      remaining: windowIsOver ? limit : (window.remaining ?? null),
      resetsAt: windowIsOver ? null : (window.resetsAt ?? null),
      source: window.limit === undefined ? 'plan' : 'headers',
    },
    concurrent: { limit: limits.concurrentJobs, inUse: sent.filter((job) => !isEnded(job)).length },
    daily: { limit: limits.jobsPerDay, used: today.length },
    credits: {
      spentToday: today.reduce((sum, job) => sum + (job.state === 'failed' ? 0 : (job.credits.exact ?? 0)), 0),
      lastKnownBalance: input.balance ?? null,
    },
    nextRequestAt: nextRequestAt(window, now),
  };
}

function planOf(configured: Plan | 'auto', window: RateWindow): Plan {
  if (configured !== 'auto') return configured;
  return window.limit === undefined ? 'free' : planOfRequestLimit(window.limit);
}

/** The provider's page does not say when its day begins; UTC is taken. */
function utcDay(epochMs: number): number {
  return Math.floor(epochMs / 86_400_000);
}
