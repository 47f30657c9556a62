// Owns the plans' limits, as the service's page lists them, and the count of requests with the headers that report it.

import { tooMany } from './http.ts';
import { type Scenarios, valueFor } from './scenarios.ts';

/**
 * Enterprise is "custom" on the page; its figures are this sandbox's own. The page does not say what "per day" counts:
 * here it is accepted submissions in a day of UTC.
 */
export const planLimits = {
  free: { requestsPerWindow: 10, concurrentJobs: 1, submissionsPerDay: 100 },
  starter: { requestsPerWindow: 30, concurrentJobs: 3, submissionsPerDay: 1_000 },
  pro: { requestsPerWindow: 60, concurrentJobs: 10, submissionsPerDay: 10_000 },
  enterprise: { requestsPerWindow: 600, concurrentJobs: 50, submissionsPerDay: Number.POSITIVE_INFINITY },
};
export type SandboxPlan = keyof typeof planLimits;
export type PlanLimits = (typeof planLimits)[SandboxPlan];

/** How `X-RateLimit-Reset` is written. Seconds are rounded up: whoever waits for them never comes too early. */
const epochSeconds = (resetsAt: number): string => String(Math.ceil(resetsAt / 1000));
const otherForms = {
  'rate-headers-ms': (resetsAt: number) => String(Math.ceil(resetsAt)),
  'rate-headers-delta': (resetsAt: number, now: number) => String(Math.ceil((resetsAt - now) / 1000)),
  'rate-headers-iso': (resetsAt: number) => new Date(resetsAt).toISOString(),
};

export type RateLimiter = ReturnType<typeof createRateLimiter>;

/** Fixed windows; one begins with the first request after the last has ended. */
export function createRateLimiter(limit: number, windowMs: number, now: () => number, scenarios: Scenarios) {
  const write = valueFor(scenarios, otherForms) ?? epochSeconds;
  let endsAt = Number.NEGATIVE_INFINITY;
  let used = 0;
  return {
    /** Counts one request, or refuses it; a refused one is not counted. `units`: as how many it counts. */
    take(units: number): void {
      if (now() >= endsAt) {
        endsAt = now() + windowMs;
        used = 0;
      }
      const usedThen = used + Math.min(units, limit);
      if (usedThen > limit)
        throw tooMany('RATE_LIMIT_EXCEEDED', `Rate limit exceeded: ${limit} requests per window`, endsAt - now());
      used = usedThen;
    },

    headers(): Record<string, string> {
      if (scenarios.has('no-rate-headers')) return {};
      const isOpen = now() < endsAt;
      return {
        'X-RateLimit-Limit': String(limit),
        'X-RateLimit-Remaining': String(limit - (isOpen ? used : 0)),
        'X-RateLimit-Reset': write(isOpen ? endsAt : now() + windowMs, now()),
      };
    },
  };
}
