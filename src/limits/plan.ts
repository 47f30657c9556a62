/** The provider's plans and their limits, and how the plan follows from the rate header. */

export const PLANS = ['free', 'starter', 'pro', 'enterprise'] as const;
export type Plan = (typeof PLANS)[number];

/** `null` means that the provider sets no figure (custom or unlimited). */
export type PlanLimits = {
  requestsPerMinute: number | null;
  concurrentJobs: number | null;
  jobsPerDay: number | null;
};

export const PLAN_LIMITS: Readonly<Record<Plan, PlanLimits>> = {
  free: { requestsPerMinute: 10, concurrentJobs: 1, jobsPerDay: 100 },
  starter: { requestsPerMinute: 30, concurrentJobs: 3, jobsPerDay: 1_000 },
  pro: { requestsPerMinute: 60, concurrentJobs: 10, jobsPerDay: 10_000 },
  enterprise: { requestsPerMinute: null, concurrentJobs: null, jobsPerDay: null },
};

/** The plan whose request limit the service announced; a figure of no known plan is a custom one. */
export function planOfRequestLimit(requestsPerMinute: number): Plan {
  const known = PLANS.find((plan) => PLAN_LIMITS[plan].requestsPerMinute === requestsPerMinute);
  return known ?? 'enterprise';
}
