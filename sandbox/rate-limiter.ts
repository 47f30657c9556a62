// Owns the count of requests per window and the headers that tell about it.

import { Refusal } from './refusal.ts';
import type { ResetFormat } from './scenarios/traits.ts';

export type RateHeaders = Partial<Record<'X-RateLimit-Limit' | 'X-RateLimit-Remaining' | 'X-RateLimit-Reset', string>>;

/** Fixed windows; one begins with the first request after the last has ended. */
export class RateLimiter {
  private startedAt = Number.NEGATIVE_INFINITY;
  private used = 0;

  constructor(
    private readonly limit: number,
    private readonly windowMs: number,
    private readonly now: () => number,
    private readonly resetFormat: ResetFormat | undefined,
  ) {}

  /** Counts one request, or refuses it; a refused one is not counted. `units`: as how many it counts. */
  take(units = 1): void {
    const now = this.now();
    if (now >= this.startedAt + this.windowMs) {
      this.startedAt = now;
      this.used = 0;
    }
    if (this.used + Math.min(units, this.limit) > this.limit) {
      throw new Refusal('RATE_LIMIT_EXCEEDED', `Rate limit exceeded: ${this.limit} requests per window`, {
        retryAfterSeconds: Math.max(1, Math.ceil((this.startedAt + this.windowMs - now) / 1000)),
      });
    }
    this.used += Math.min(units, this.limit);
  }

  headers(): RateHeaders {
    if (this.resetFormat === undefined) return {};
    const now = this.now();
    const open = now < this.startedAt + this.windowMs;
    const resetsAt = open ? this.startedAt + this.windowMs : now + this.windowMs;
    return {
      'X-RateLimit-Limit': String(this.limit),
      'X-RateLimit-Remaining': String(this.limit - (open ? this.used : 0)),
      'X-RateLimit-Reset': spellReset(resetsAt, now, this.resetFormat),
    };
  }
}

/** Seconds are rounded up: whoever waits for them never comes too early. */
function spellReset(resetsAt: number, now: number, format: ResetFormat): string {
  switch (format) {
    case 'epoch-seconds':
      return String(Math.ceil(resetsAt / 1000));
    case 'epoch-ms':
      return String(Math.ceil(resetsAt));
    case 'seconds-from-now':
      return String(Math.ceil((resetsAt - now) / 1000));
    case 'iso':
      return new Date(resetsAt).toISOString();
    default:
      return format satisfies never;
  }
}
