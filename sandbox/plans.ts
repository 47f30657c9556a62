// Owns the plans' limits, as the service's page lists them.

export type SandboxPlan = 'free' | 'starter' | 'pro' | 'enterprise';

export type PlanLimits = {
  requestsPerWindow: number;
  concurrentJobs: number;
  /** Accepted submissions per UTC day; the page does not say what "per day" counts. */
  submissionsPerDay: number;
};

/** Enterprise is "custom" on the page; its figures are this sandbox's own. */
export const planLimits: Record<SandboxPlan, PlanLimits> = {
  free: { requestsPerWindow: 10, concurrentJobs: 1, submissionsPerDay: 100 },
  starter: { requestsPerWindow: 30, concurrentJobs: 3, submissionsPerDay: 1_000 },
  pro: { requestsPerWindow: 60, concurrentJobs: 10, submissionsPerDay: 10_000 },
  enterprise: { requestsPerWindow: 600, concurrentJobs: 50, submissionsPerDay: Number.POSITIVE_INFINITY },
};
