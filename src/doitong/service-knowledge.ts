/** What the answers told of the request window and of the balance, for as long as the process lives. */
import { learnWindow, pauseWindow, type RateWindow } from '../core/rate-window.ts';
import type { Verdict } from './failures.ts';
import type { RateHeaders } from './rate-headers.ts';

export class ServiceKnowledge {
  private window: RateWindow = {};
  private balance: { credits: number; at: number } | undefined;

  rateWindow(): RateWindow {
    return this.window;
  }

  lastKnownBalance(): { credits: number; at: number } | undefined {
    return this.balance;
  }

  /** Takes in an answer's headers; `at` is in epoch milliseconds. */
  noteHeaders({ retryAfterMs: _, ...told }: RateHeaders, at: number): void {
    this.window = learnWindow(this.window, told, at);
  }

  noteBalance(credits: number | undefined, at: number): void {
    if (credits !== undefined) this.balance = { credits, at };
  }

  /**
   * Takes in a refusal.
   * @returns the delay before the next try that the service told, in milliseconds: `Retry-After`, else the window's
   * reset after a rate limit.
   */
  noteRefusal({ row }: Verdict, told: RateHeaders, at: number): number | undefined {
    const untilReset = row === 'rateLimited' && told.resetsAt !== undefined ? told.resetsAt - at : undefined;
    // A reset that has passed belongs to another clock than ours.
    const delayMs = told.retryAfterMs ?? (untilReset !== undefined && untilReset > 0 ? untilReset : undefined);
    // A limit on jobs says nothing against asking for their status.
    if (delayMs !== undefined && row !== 'jobLimited') this.window = pauseWindow(this.window, at + delayMs, at);
    return delayMs;
  }
}
