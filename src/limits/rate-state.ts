/** What all processes with one key know of their requests to the service, and when the next request may leave. */
import * as z from 'zod';
import { isSameWindow, nextRequestAt, type ReportedWindow, rateWindowSchema } from './rate-window.ts';

/** Times are epoch milliseconds. */
const rateStateSchema = z.object({
  /** When the permits of the last window were given, in order. */
  permits: z.array(z.number()).readonly(),
  /** What the answers reported. */
  window: rateWindowSchema,
  /** The balance in credits that the service reported last, less the orders since then, whose ids are `counted`. */
  balance: z.exactOptional(
    z.object({ credits: z.number(), at: z.number(), counted: z.exactOptional(z.array(z.string()).readonly()) }),
  ),
  /** The service counts every job that one request asks for (open point 11 of the API page). */
  countsFields: z.exactOptional(z.literal(true)),
  /** When this was written: a clock that was set back shows by it. */
  writtenAt: z.number(),
});
export type RateState = z.infer<typeof rateStateSchema>;

export const parseRateState = (stored: unknown): RateState | undefined => rateStateSchema.safeParse(stored).data;

/**
 * How permits are counted: never more than the limit in any span of `windowMs`. `slackMs` is added because a request
 * that left early can arrive late, and one that left late early.
 */
export type RequestWindow = { windowMs: number; slackMs: number };

export const REQUEST_WINDOW: RequestWindow = { windowMs: 60_000, slackMs: 1_000 };

export type PermitDecision =
  | { type: 'granted'; rateState: RateState }
  /**
   * `reported`: the service asked for silence or its window is used up; else our own count says so. `rateState` is to be
   * kept, too: by a clock that was set back the end of the wait would move along with the clock.
   */
  | { type: 'wait'; until: number; reported: boolean; rateState: RateState };

/** A clock that was set back by less than this is just the spread between processes. */
const SPREAD_MS = 1_000;

export function emptyRateState(now: number): RateState {
  return { permits: [], window: {}, writtenAt: now };
}

/** The same state by a clock that was set back: otherwise it would wait for as long as the clock was set back. */
export function rateStateAt(rateState: RateState, now: number): RateState {
  const ahead = rateState.writtenAt - now;
  if (ahead <= SPREAD_MS) return rateState;
  const back = (at: number): number => at - ahead;
  const { resetsAt, pausedUntil } = rateState.window;
  return {
    ...rateState,
    permits: rateState.permits.map(back),
    window: {
      ...rateState.window,
      ...(resetsAt === undefined ? {} : { resetsAt: back(resetsAt) }),
      ...(pausedUntil === undefined ? {} : { pausedUntil: back(pausedUntil) }),
    },
    writtenAt: now,
  };
}

/** `fields`: jobs that the request asks for. `kept`: requests that must be left for others in every window. */
export type PermitOptions = { fields?: number; kept?: number };

/** @param limit requests per window; null: none is known */
export function takePermit(
  before: RateState,
  limit: number | null,
  counting: RequestWindow,
  now: number,
  { fields = 1, kept = 0 }: PermitOptions = {},
): PermitDecision {
  const rateState = rateStateAt(before, now);
  // A request that is larger than the whole window takes all of it.
  const most = Math.max(1, (limit ?? Number.POSITIVE_INFINITY) - kept);
  const cost = Math.min(costOf(rateState, fields), most);
  const reportedAt = nextRequestAt(rateState.window, now, cost + kept);
  if (reportedAt > now) return { type: 'wait', until: reportedAt, reported: true, rateState };
  const spanMs = counting.windowMs + counting.slackMs;
  const recent = rateState.permits.filter((at) => now - at < spanMs);
  // The newest of those that have to leave the window first.
  const last = limit === null ? undefined : recent[recent.length - 1 - (most - cost)];
  if (last !== undefined) return { type: 'wait', until: last + spanMs, reported: false, rateState };
  const { remaining, resetsAt } = rateState.window;
  // Until the answer reports the count again, the request that leaves now is taken off here.
  const left =
    remaining !== undefined && resetsAt !== undefined && resetsAt > now ? Math.max(0, remaining - cost) : remaining;
  return {
    type: 'granted',
    rateState: {
      ...rateState,
      permits: limit === null ? [] : [...recent, ...Array<number>(cost).fill(now)],
      window: left === undefined ? rateState.window : { ...rateState.window, remaining: left },
      writtenAt: now,
    },
  };
}

/** What a request counts that asks for so many jobs. */
function costOf(rateState: RateState, fields: number): number {
  return rateState.countsFields ? Math.max(1, fields) : 1;
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

/** Requests that may leave now, by our own count and by what the service reported; null: no limit is known. */
export function permitsLeft(
  rateState: RateState,
  limit: number | null,
  counting: RequestWindow,
  now: number,
): number | null {
  const { window, permits } = rateStateAt(rateState, now);
  if ((window.pausedUntil ?? 0) > now) return 0;
  const reported = window.resetsAt !== undefined && window.resetsAt > now ? window.remaining : undefined;
  if (limit === null) return reported ?? null;
  const own = Math.max(0, limit - permits.filter((at) => now - at < counting.windowMs + counting.slackMs).length);
  return reported === undefined ? own : Math.min(own, reported);
}

/** Orders that a balance remembers to have paid for; more of them and it is forgotten as too old. */
const COUNTED_MAX = 1_000;

/**
 * The balance after an order that was made since it was reported, taken off once. One that could not have paid for the order
 * is out of date: somebody has topped it up.
 */
export function withOrderPaid(
  rateState: RateState,
  order: { id: string; credits: number; orderedAt: number },
): RateState {
  const { balance, ...rest } = rateState;
  const counted = balance?.counted ?? [];
  if (balance === undefined || balance.at > order.orderedAt || counted.includes(order.id)) return rateState;
  const credits = balance.credits - order.credits;
  if (credits < 0 || counted.length >= COUNTED_MAX) return rest;
  return { ...rateState, balance: { ...balance, credits, counted: [...counted, order.id] } };
}
