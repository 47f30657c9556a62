/** When requests to the service may leave: what all processes with one key know of that, and how a caller waits for it. */
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { Clock } from '../core/ports.ts';
import { OBEYED_DELAY_MAX_MS } from '../core/primitives.ts';
import { PLAN_LIMITS, PLANS, type Plan } from './plan.ts';

/** As far as it was reported. Times are epoch milliseconds. */
const rateWindowSchema = z.object({
  /** Requests per window. */
  limit: z.exactOptional(z.number()),
  remaining: z.exactOptional(z.number()),
  resetsAt: z.exactOptional(z.number()),
  /** Until when the service asked for silence (`Retry-After`, or the reset after a 429). */
  pausedUntil: z.exactOptional(z.number()),
});
export type RateWindow = z.infer<typeof rateWindowSchema>;

/** Times are epoch milliseconds. */
export const rateStateSchema = z.object({
  /** When the permits of the last window were given, in order. */
  permits: z.array(z.number()).readonly(),
  window: rateWindowSchema,
  /** The balance in credits that the service reported last, less the orders since then, whose ids are `counted`. */
  balance: z.exactOptional(
    z.object({ credits: z.number(), at: z.number(), counted: z.exactOptional(z.array(z.string()).readonly()) }),
  ),
  /** The service counts every job that one request asks for (docs/service-questions.md, row 11). */
  countsFields: z.exactOptional(z.literal(true)),
  /** When this was written: a clock that was set back shows by it. */
  writtenAt: z.number(),
});
export type RateState = z.infer<typeof rateStateSchema>;

export function emptyRateState(now: number): RateState {
  return { permits: [], window: {}, writtenAt: now };
}

export type ReportedWindow = Omit<RateWindow, 'pausedUntil'>;

export type RateReport = {
  window?: ReportedWindow;
  /** Epoch milliseconds until which the service asked for silence. */
  pausedUntil?: number | undefined;
  balance?: number | undefined;
  /** How many jobs the answered request had asked for: whether each of them counts shows in what is left. */
  fields?: number;
};

/**
 * What a permit is asked for. Reads leave some requests of every window to orders. `fields`: how many jobs are asked
 * for in the one request; where the service counts each of them, so does the permit.
 */
export type PermitAsk = { purpose: 'submit' | 'read'; fields: number };

/** A permit, or when to ask again (epoch milliseconds); `reported`: because of what the service said. */
export type PermitAnswer = { granted: true } | { granted: false; until: number; reported: boolean };

/**
 * How permits are counted: never more than the limit in any span of `windowMs`. `slackMs` is added because a request
 * that left early can arrive late, and one that left late early.
 */
export type RequestWindow = { windowMs: number; slackMs: number };

export const REQUEST_WINDOW: RequestWindow = { windowMs: 60_000, slackMs: 1_000 };

/** A window that was announced further ahead than this is a clock that differs, not a limit that lasts. */
const WINDOW_MAX_MS = 5 * 60_000;

/** The same state by a clock that was set back: otherwise it would wait for as long as the clock was set back. */
export function rateStateAt(rateState: RateState, now: number): RateState {
  const ahead = rateState.writtenAt - now;
  // Less than a second is just the spread between processes.
  if (ahead <= 1_000) return rateState;
  const back = (at: number): number => at - ahead;
  const { resetsAt, pausedUntil } = rateState.window;
  return {
    ...rateState,
    permits: rateState.permits.map(back),
    window: {
      ...rateState.window,
      ...(resetsAt && { resetsAt: back(resetsAt) }),
      ...(pausedUntil && { pausedUntil: back(pausedUntil) }),
    },
    writtenAt: now,
  };
}

/**
 * @param limit requests per window; null: none is known
 * @param options `fields`: jobs that the request asks for; `kept`: requests that must be left for others in every window
 * @returns `rateState` is to be kept without a permit, too: by a clock that was set back the end of the wait would move
 *   along with the clock
 */
export function takePermit(
  before: RateState,
  limit: number | null,
  counting: RequestWindow,
  now: number,
  { fields = 1, kept = 0 }: { fields?: number; kept?: number } = {},
): { rateState: RateState; answer: PermitAnswer } {
  const rateState = rateStateAt(before, now);
  const refused = (until: number, reported: boolean): { rateState: RateState; answer: PermitAnswer } => {
    return { rateState, answer: { granted: false, until, reported } };
  };
  // A request that is larger than the whole window takes all of it.
  const most = Math.max(1, (limit ?? Number.POSITIVE_INFINITY) - kept);
  const cost = Math.min(rateState.countsFields ? Math.max(1, fields) : 1, most);
  const reportedAt = nextRequestAt(rateState.window, now, cost + kept);
  if (reportedAt > now) return refused(reportedAt, true);
  const spanMs = counting.windowMs + counting.slackMs;
  const recent = rateState.permits.filter((at) => now - at < spanMs);
  // The newest of those that have to leave the window first.
  const last = limit === null ? undefined : recent[recent.length - 1 - (most - cost)];
  if (last !== undefined) return refused(last + spanMs, false);
  const { remaining, resetsAt = 0 } = rateState.window;
  // Until the answer reports the count again, the request that leaves now is taken off here.
  const counted = remaining !== undefined && resetsAt > now && { remaining: Math.max(0, remaining - cost) };
  // Without a limit there is nothing to remember, and nothing to write.
  if (limit === null && !counted) return { rateState, answer: { granted: true } };
  const window = { ...rateState.window, ...counted };
  const permits = limit === null ? [] : [...recent, ...Array<number>(cost).fill(now)];
  return { rateState: { ...rateState, permits, window, writtenAt: now }, answer: { granted: true } };
}

/** Epoch milliseconds from which the service takes so many requests; `now` when nothing speaks against it. */
export function nextRequestAt({ pausedUntil = 0, remaining, resetsAt }: RateWindow, now: number, needed = 1): number {
  const isExhausted = (remaining ?? needed) < needed;
  const exhausted = isExhausted && resetsAt !== undefined && resetsAt - now <= WINDOW_MAX_MS ? resetsAt : 0;
  return Math.max(now, pausedUntil, exhausted);
}

/** Requests that may leave now, by our own count and by what the service reported; null: no limit is known. */
export function permitsLeft(rateState: RateState, limit: number | null, counting: RequestWindow, now: number) {
  const { window, permits } = rateStateAt(rateState, now);
  if ((window.pausedUntil ?? 0) > now) return 0;
  const reported = (window.resetsAt ?? 0) > now ? window.remaining : undefined;
  if (limit === null) return reported ?? null;
  const own = Math.max(0, limit - permits.filter((at) => now - at < counting.windowMs + counting.slackMs).length);
  return Math.min(own, reported ?? own);
}

/** The state after what an answer reported; the very same one when that is nothing new. */
export function learnedRateState(before: RateState, reported: RateReport, now: number): RateState {
  const { window, fields = 1, pausedUntil, balance } = reported;
  let rateState = rateStateAt(before, now);
  if (window !== undefined) rateState = learnCounting(rateState, fields, window);
  if (window !== undefined) rateState = { ...rateState, window: learnWindow(rateState.window, window) };
  if (pausedUntil !== undefined) rateState = { ...rateState, window: pauseWindow(rateState.window, pausedUntil) };
  if (balance !== undefined) rateState = { ...rateState, balance: { credits: balance, at: now } };
  const isSame =
    before.balance === rateState.balance &&
    before.countsFields === rateState.countsFields &&
    Object.entries(rateState.window).every(([key, value]) => before.window[key as keyof RateWindow] === value);
  return isSame ? before : { ...rateState, writtenAt: now };
}

/** The window after an answer with `reported`; what it did not say stays as it was. */
export function learnWindow(window: RateWindow, reported: ReportedWindow): RateWindow {
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

/** Whether both are about the same span: a reset in seconds from now wanders by up to 2 s from answer to answer. */
function isSameWindow(one: ReportedWindow, other: ReportedWindow): boolean {
  return one.resetsAt !== undefined && Math.abs(one.resetsAt - (other.resetsAt ?? Number.NaN)) <= 2_000;
}

/**
 * The state after the answer to a request for several jobs: what is left tells whether each of them was counted. A
 * smaller drop than that is the doing of others who use the key.
 * @param reported the answer's window, before it is learnt
 */
export function learnCounting(rateState: RateState, fields: number, reported: ReportedWindow): RateState {
  const { window, countsFields, ...rest } = rateState;
  if (fields < 2 || reported.remaining === undefined || window.remaining === undefined) return rateState;
  if (!isSameWindow(window, reported)) return rateState;
  const unforeseen = window.remaining - reported.remaining;
  if (!countsFields && unforeseen >= fields - 1) return { ...rateState, countsFields: true };
  // What was taken off for each of them was not taken off there.
  return countsFields && -unforeseen >= fields - 1 ? { ...rest, window } : rateState;
}

/**
 * The balance after an order that was made since it was reported, taken off once. One that could not have paid for the
 * order, or for very many before it, is out of date: somebody has topped it up.
 */
export function withOrderPaid(rateState: RateState, order: Pick<Job, 'id' | 'createdAt'>, price: number): RateState {
  const { balance, ...rest } = rateState;
  const counted = balance?.counted ?? [];
  if (balance === undefined || balance.at > order.createdAt || counted.includes(order.id)) return rateState;
  const credits = balance.credits - price;
  if (credits < 0 || counted.length >= 1_000) return rest;
  return { ...rateState, balance: { ...balance, credits, counted: [...counted, order.id] } };
}

/** The plan that was set, else that of the announced request limit (of no known plan: a custom one), else the smallest. */
export function planOf(configured: Plan | 'auto', announcedLimit: number | undefined): Plan {
  if (configured !== 'auto') return configured;
  if (announcedLimit === undefined) return 'free';
  return PLANS.find((plan) => PLAN_LIMITS[plan].requestsPerMinute === announcedLimit) ?? 'enterprise';
}

/**
 * Requests of a window that reads leave to orders: a fifth, since an order may come at any moment.
 * @param waiting orders that have not been sent yet
 * @param slots jobs at a time that the plan allows: more cannot be sent soon
 */
export function keptForOrders(limit: number | null, waiting: number, slots: number | null): number {
  if (limit === null) return 0;
  const wanted = Math.max(Math.ceil(limit / 5), waiting);
  return Math.max(0, Math.min(limit - 1, wanted, slots ?? wanted));
}

export type ReadAllowance = ReturnType<typeof readAllowance>;

/** What reads may use. */
export function readAllowance(
  rateState: RateState,
  limit: number | null,
  counting: RequestWindow,
  kept: number,
  now: number,
) {
  const left = permitsLeft(rateState, limit, counting, now);
  const { answer } = takePermit(rateState, limit, counting, now, { kept });
  return {
    left: left === null ? null : Math.max(0, left - kept),
    perWindow: limit === null ? null : Math.max(1, limit - kept),
    /** Until another request comes back to them, 0 when one is left. */
    refillMs: answer.granted ? 0 : answer.until - now,
  };
}

/**
 * @param onWait called with the time of the next try (epoch milliseconds) before each wait
 * @throws FluxError when the service demands a longer pause than a caller waits for: nothing was sent; rejects with
 *   `signal.reason` when that is aborted
 */
export async function awaitPermit(
  limiter: { permit: (ask: PermitAsk) => Promise<PermitAnswer> },
  clock: Clock,
  ask: PermitAsk,
  signal: AbortSignal,
  onWait?: (until: number) => void,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await limiter.permit(ask);
    if (answer.granted) return;
    const waitMs = answer.until - clock.now();
    // What the service demands is obeyed exactly, or reported to the caller; our own count is over within a minute. The
    // end of a window is reported in whole seconds, rounded up.
    if (answer.reported && waitMs > OBEYED_DELAY_MAX_MS + 1_000) {
      const failure = { kind: 'rate_limited', reason: { code: 'requests_paused' }, creditsSpent: 'no' } as const;
      throw new FluxError({ ...failure, retry: 'later', retryAfterSeconds: Math.ceil(waitMs / 1_000) });
    }
    onWait?.(answer.until);
    // Processes that wait for the same moment do not all come at once.
    await clock.sleep(Math.max(1, waitMs) + 40 * clock.random(), signal);
  }
}
