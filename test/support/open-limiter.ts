/** A request limiter that grants every request, and keeps what the answers reported. */
import type { RequestLimiter } from '../../src/limits/limits.ts';
import { learnWindow, pauseWindow, type RateReport, type RateWindow } from '../../src/limits/rate-state.ts';

export type OpenLimiter = RequestLimiter & {
  /** What each answer reported, in order. */
  readonly reported: RateReport[];
  /** How many permits were given. */
  permits(): number;
  /** All that was reported of the window so far. */
  window(): RateWindow;
  /** The balance that was reported last, in credits. */
  balance(): number | undefined;
};

export function createOpenLimiter(): OpenLimiter {
  const reported: RateReport[] = [];
  let permits = 0;
  return {
    reported,
    permits: () => permits,
    async permit() {
      permits += 1;
      return { granted: true };
    },
    async learn(news) {
      reported.push(news);
    },
    window: () =>
      reported.reduce<RateWindow>((known, { window, pausedUntil }) => {
        const learnt = window === undefined ? known : learnWindow(known, window);
        return pausedUntil === undefined ? learnt : pauseWindow(learnt, pausedUntil);
      }, {}),
    balance: () => reported.findLast(({ balance }) => balance !== undefined)?.balance,
  };
}
