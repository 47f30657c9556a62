// Owns the plans' limits, as the service's page lists them, and the count of requests with the headers that report it.

import { Refusal } from './http.ts';

export type PlanLimits = {
  requestsPerWindow: number;
  concurrentJobs: number;
  /** Accepted submissions per UTC day; the page does not say what "per day" counts. */
  submissionsPerDay: number;
};

/** Enterprise is "custom" on the page; its figures are this sandbox's own. */
export const planLimits = {
  free: { requestsPerWindow: 10, concurrentJobs: 1, submissionsPerDay: 100 },
  starter: { requestsPerWindow: 30, concurrentJobs: 3, submissionsPerDay: 1_000 },
  pro: { requestsPerWindow: 60, concurrentJobs: 10, submissionsPerDay: 10_000 },
  enterprise: { requestsPerWindow: 600, concurrentJobs: 50, submissionsPerDay: Number.POSITIVE_INFINITY },
} satisfies Record<string, PlanLimits>;
export type SandboxPlan = keyof typeof planLimits;

/** How `X-RateLimit-Reset` can be written. Seconds are rounded up: whoever waits for them never comes too early. */
const resetForms = {
  'epoch-seconds': (resetsAt: number) => String(Math.ceil(resetsAt / 1000)),
  'epoch-ms': (resetsAt: number) => String(Math.ceil(resetsAt)),
  'seconds-from-now': (resetsAt: number, now: number) => String(Math.ceil((resetsAt - now) / 1000)),
  iso: (resetsAt: number) => new Date(resetsAt).toISOString(),
};

export type ResetFormat = keyof typeof resetForms;

/** Fixed windows; one begins with the first request after the last has ended. */
export class RateLimiter {
  private endsAt = Number.NEGATIVE_INFINITY;
  private used = 0;

  constructor(
    private readonly limit: number,
    private readonly windowMs: number,
    private readonly now: () => number,
    private readonly resetFormat: ResetFormat | undefined,
  ) {}

  /** Counts one request, or refuses it; a refused one is not counted. `units`: as how many it counts. */
  take(units: number): void {
    const now = this.now();
    if (now >= this.endsAt) {
      this.endsAt = now + this.windowMs;
      this.used = 0;
    }
    const used = this.used + Math.min(units, this.limit);
    if (used > this.limit) {
      throw new Refusal(429, 'RATE_LIMIT_EXCEEDED', `Rate limit exceeded: ${this.limit} requests per window`, {
        retryAfterSeconds: Math.max(1, Math.ceil((this.endsAt - now) / 1000)),
      });
    }
    this.used = used;
  }

  headers(): Record<string, string> {
    if (this.resetFormat === undefined) return {};
    const now = this.now();
    const isOpen = now < this.endsAt;
    return {
      'X-RateLimit-Limit': String(this.limit),
      'X-RateLimit-Remaining': String(this.limit - (isOpen ? this.used : 0)),
      'X-RateLimit-Reset': resetForms[this.resetFormat](isOpen ? this.endsAt : now + this.windowMs, now),
    };
  }
}
