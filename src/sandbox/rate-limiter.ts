// Owns the count of requests per window and the headers that tell about it.

import { Refusal } from './refusal.ts';

export type RateHeaders = Record<'X-RateLimit-Limit' | 'X-RateLimit-Remaining' | 'X-RateLimit-Reset', string>;

/** Fixed windows; one begins with the first request after the last has ended. */
export class RateLimiter {
  private startedAt = Number.NEGATIVE_INFINITY;
  private used = 0;

  constructor(
    private readonly limit: number,
    private readonly windowMs: number,
    private readonly now: () => number,
  ) {}

  /** Counts one request, or refuses it; a refused one is not counted. */
  take(): void {
    const now = this.now();
    if (now >= this.startedAt + this.windowMs) {
      this.startedAt = now;
      this.used = 0;
    }
    if (this.used >= this.limit) {
      throw new Refusal('RATE_LIMIT_EXCEEDED', `Rate limit exceeded: ${this.limit} requests per window`, {
        retryAfterSeconds: Math.max(1, Math.ceil((this.startedAt + this.windowMs - now) / 1000)),
      });
    }
    this.used += 1;
  }

  /** The reset is rounded up to whole epoch seconds: whoever waits for it never comes too early. */
  headers(): RateHeaders {
    const now = this.now();
    const open = now < this.startedAt + this.windowMs;
    const resetsAt = open ? this.startedAt + this.windowMs : now + this.windowMs;
    return {
      'X-RateLimit-Limit': String(this.limit),
      'X-RateLimit-Remaining': String(this.limit - (open ? this.used : 0)),
      'X-RateLimit-Reset': String(Math.ceil(resetsAt / 1000)),
    };
  }
}
