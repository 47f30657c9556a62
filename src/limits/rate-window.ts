/** What is known of the service's request window, and when the next request may leave. */
import * as z from 'zod';

export const rateWindowSchema = z.object({
  /** Requests per window, where reported. */
  limit: z.exactOptional(z.number()),
  /** Requests left in the window, where reported. */
  remaining: z.exactOptional(z.number()),
  /** Epoch milliseconds at which the next window begins, where reported. */
  resetsAt: z.exactOptional(z.number()),
  /** Epoch milliseconds until which the service asked for silence (`Retry-After`, or the reset after a 429). */
  pausedUntil: z.exactOptional(z.number()),
});
export type RateWindow = z.infer<typeof rateWindowSchema>;

/** What an answer reports of it. */
export type ReportedWindow = Omit<RateWindow, 'pausedUntil'>;

/** A window that was announced further ahead than this is a clock that differs, not a limit that lasts. */
const WINDOW_MAX_MS = 5 * 60_000;

/**
 * Epoch milliseconds from which a request may leave; `now` when nothing speaks against it.
 * @param needed how many have to be left, at least 1
 */
export function nextRequestAt(window: RateWindow, now: number, needed = 1): number {
  const paused = window.pausedUntil ?? 0;
  const { remaining, resetsAt } = window;
  const isExhausted = remaining !== undefined && remaining < needed;
  const exhausted = isExhausted && resetsAt !== undefined && resetsAt - now <= WINDOW_MAX_MS ? resetsAt : 0;
  return Math.max(now, paused, exhausted);
}

/** A reset reported in seconds from now wanders by so much from answer to answer. */
const SAME_RESET_MS = 2_000;

/** Whether both are about the same span of time. */
export function isSameWindow(one: ReportedWindow, other: ReportedWindow): boolean {
  if (one.resetsAt === undefined || other.resetsAt === undefined) return false;
  return Math.abs(one.resetsAt - other.resetsAt) <= SAME_RESET_MS;
}

/** The window after an answer with `reported`; what it did not say stays as it was. */
export function learnWindow(window: RateWindow, reported: ReportedWindow): RateWindow {
  if (reported.limit === undefined && reported.remaining === undefined && reported.resetsAt === undefined)
    return window;
  const { resetsAt } = window;
  if (resetsAt === undefined || !isSameWindow(window, reported)) return { ...window, ...reported };
  // Answers overtake each other: within one window the lower count is the later one.
  const overtaken = (window.remaining ?? Number.POSITIVE_INFINITY) < (reported.remaining ?? 0);
  const { remaining } = overtaken ? window : reported;
  return { ...window, ...reported, resetsAt, ...(remaining === undefined ? {} : { remaining }) };
}

/** The window after a request for silence until `until` (epoch milliseconds); a longer silence stands. */
export function pauseWindow(window: RateWindow, until: number): RateWindow {
  return { ...window, pausedUntil: Math.max(window.pausedUntil ?? 0, until) };
}
