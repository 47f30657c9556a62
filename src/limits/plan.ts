/** The provider's plans and their limits. */
export const PLANS = ['free', 'starter', 'pro', 'enterprise'] as const;
export type Plan = (typeof PLANS)[number];

/** `null` means that the provider sets no figure (custom or unlimited). */
export const PLAN_LIMITS: Readonly<
  Record<Plan, { requestsPerMinute: number | null; concurrentJobs: number | null; jobsPerDay: number | null }>
> = {
  free: { requestsPerMinute: 10, concurrentJobs: 1, jobsPerDay: 100 },
  starter: { requestsPerMinute: 30, concurrentJobs: 3, jobsPerDay: 1_000 },
  pro: { requestsPerMinute: 60, concurrentJobs: 10, jobsPerDay: 10_000 },
  enterprise: { requestsPerMinute: null, concurrentJobs: null, jobsPerDay: null },
};
