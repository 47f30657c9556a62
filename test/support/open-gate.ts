/** A request gate that never holds a request back, and keeps what the answers told. */
import type { RequestGate, ToldByService } from '../../src/limits/limits.ts';
import { learnWindow, pauseWindow, type RateWindow } from '../../src/limits/rate-window.ts';

export type OpenGate = RequestGate & {
  /** What each answer told, in order. */
  readonly told: ToldByService[];
  /** How many permits were given. */
  permits(): number;
  /** All that was told of the window so far. */
  window(): RateWindow;
  /** The balance that was told last, in credits. */
  balance(): number | undefined;
};

export function createOpenGate(): OpenGate {
  const told: ToldByService[] = [];
  let permits = 0;
  return {
    told,
    permits: () => permits,
    async permit() {
      permits += 1;
      return { granted: true };
    },
    async learn(news) {
      told.push(news);
    },
    window: () =>
      told.reduce<RateWindow>((known, { window, pausedUntil }) => {
        const learnt = window === undefined ? known : learnWindow(known, window);
        return pausedUntil === undefined ? learnt : pauseWindow(learnt, pausedUntil);
      }, {}),
    balance: () => told.findLast(({ balance }) => balance !== undefined)?.balance,
  };
}
