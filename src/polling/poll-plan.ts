/** When a job is polled: one of a known kind first when it can be finished, then in even steps; others by the schedule. */
import type { ReadAllowance } from '../limits/read-share.ts';
import { type Durations, quantileMs } from './durations.ts';
import { pollDelayMs } from './poll-schedule.ts';

/** So many pictures of a kind must have been seen before their durations are believed. */
const ENOUGH = 5;
/** The first poll comes when a quarter of such pictures are finished, or so long after the first ones, if that is sooner. */
const EARLY_PART = 0.25;
const FIRST_PART = 0.05;
const AFTER_FIRST_MS = 3_000;
/** Where requests are scarce the first poll should find the picture finished. */
const LATE_PART = 0.75;
const STEP_MS = 1_750;
/** A job that lasts longer than all before it is polled less and less often. */
const OVERSTAY_PART = 0.25;
const STEP_MAX_MS = 10_000;
/** Below this part of the window's requests each further one costs more. */
const PLENTY = 0.5;
/** Because requests are scarce a poll is put off to this at most. */
const PUT_OFF_MAX_MS = 15_000;

/** Processes that wait for pictures of one kind do not all come at once. */
const JITTER = 0.05;

/**
 * @param polled its age now and when it was last seen (0: never), and how often its own schedule has polled it
 * @returns `isStepping`: in even steps, counted from its last poll, whatever that was made for
 */
export function planNextPoll(polled: {
  known: Durations | undefined;
  allowance: ReadAllowance;
  ageMs: number;
  seenMs: number;
  polls: number;
  random: number;
}): { delayMs: number; isStepping: boolean } {
  const { known, allowance, ageMs, seenMs, polls, random } = polled;
  const firstMs = firstPollAgeMs(known, allowance);
  if (known === undefined || firstMs === undefined)
    return { delayMs: pricedDelayMs(pollDelayMs(polls + 1, random), allowance), isStepping: false };
  const stepMs = seenMs === 0 ? 0 : nextPollMs(known, ageMs, allowance);
  const delayMs = Math.max(allowance.refillMs, stepMs, firstMs - ageMs);
  return { delayMs: delayMs * (1 + JITTER * random), isStepping: true };
}

/** The age at which such a job is polled first; `undefined`: too little is known. */
export function firstPollAgeMs(known: Durations | undefined, allowance: ReadAllowance): number | undefined {
  if (known === undefined || known.tookMs.length < ENOUGH) return undefined;
  const price = priceOf(allowance);
  const early = quantileMs(known, Math.min(LATE_PART, EARLY_PART * price)) ?? 0;
  const first = quantileMs(known, FIRST_PART) ?? 0;
  return Math.min(early, first + AFTER_FIRST_MS * price ** 2);
}

/** Milliseconds from a poll of such a job to the next; `ageMs` is its age now. */
export function nextPollMs(known: Durations, ageMs: number, allowance: ReadAllowance): number {
  const overstayedMs = ageMs - (quantileMs(known, 1) ?? ageMs);
  const stepMs = Math.min(STEP_MAX_MS, Math.max(STEP_MS, overstayedMs * OVERSTAY_PART));
  return pricedDelayMs(stepMs, allowance);
}

/** A delay at the present price of a request: longer, the fewer requests of the window are left. */
export function pricedDelayMs(delayMs: number, allowance: ReadAllowance): number {
  return Math.min(delayMs * priceOf(allowance), Math.max(delayMs, PUT_OFF_MAX_MS));
}

/** 1 as long as there are plenty. */
function priceOf({ left, perWindow }: ReadAllowance): number {
  if (left === null || perWindow === null) return 1;
  return Math.max(1, (PLENTY * perWindow) / Math.max(left, 0.5));
}
