/** How long to wait before a job is polled next, by what is known of it and by what requests cost at present. */
import type { ReadAllowance } from '../limits/rate-state.ts';
import { type Durations, quantileMs } from './durations.ts';

export type PolledState = {
  /** Of pictures of its kind. */
  known: Durations;
  allowance: ReadAllowance;
  /** Since the service took the order. */
  ageMs: number;
  /** It was seen unfinished. */
  isSeen: boolean;
  /** Since it is followed here, or since an event reported its end. */
  followedMs: number;
  /** In [0, 1). */
  random: number;
};

/** Processes that wait for pictures of one kind do not all come at once. */
const JITTER = 0.05;

/** So many pictures of a kind must have been seen before their durations are believed. */
const ENOUGH = 5;
/** The first poll comes when a quarter of such pictures are finished, or so long after the first ones, if that is sooner. */
const EARLY_PART = 0.25;
const FIRST_PART = 0.05;
const AFTER_FIRST_MS = 3_000;
/** Where requests are scarce the first poll should find the picture finished. */
const LATE_PART = 0.85;
/** Then it is polled in even steps; one that lasts longer than all before it less and less often. */
const STEP_MS = 1_750;
const OVERSTAY_PART = 0.25;
const STEP_MAX_MS = 10_000;
/** Of other kinds of pictures: the first poll, and by how much more time has passed with each further one. */
const UNKNOWN_FIRST_MS = 1_500;
const UNKNOWN_PART = 0.5;

/** Below this part of the window's requests each further one costs more. */
const PLENTY = 0.5;
/** Because requests are scarce a poll is put off to this at most. */
const PUT_OFF_MAX_MS = 15_000;

/** An event comes within seconds of the end of its job, most of them in the first minute. */
const FALLBACK_FIRST_MS = 30_000;
const FALLBACK_MAX_MS = 60_000;
/** Long enough for the pauses of a day's work; whoever changes a tunnel or a proxy needs longer to notice anything. */
const EVIDENCE_FOR_MS = 3 * 60 * 60_000;

export function pollDelayMs({ known, allowance, ageMs, isSeen, followedMs, random }: PolledState): number {
  const price = priceOf(allowance);
  const priced = (delayMs: number): number => Math.min(delayMs * price, Math.max(delayMs, PUT_OFF_MAX_MS));
  if (known.length < ENOUGH) return priced(Math.min(STEP_MAX_MS, UNKNOWN_FIRST_MS + UNKNOWN_PART * followedMs));

  const part = (quantile: number): number => quantileMs(known, quantile) ?? 0;
  const firstMs = Math.min(
    part(Math.min(LATE_PART, EARLY_PART * price)),
    part(FIRST_PART) + AFTER_FIRST_MS * price ** 2,
  );
  const stepMs = Math.min(STEP_MAX_MS, Math.max(STEP_MS, (ageMs - part(1)) * OVERSTAY_PART));
  const delayMs = Math.max(isSeen ? priced(stepMs) : 0, firstMs - ageMs);
  return Math.max(allowance.refillMs, delayMs * (1 + JITTER * random));
}

/** 1 as long as there are plenty. */
function priceOf({ left, perWindow }: ReadAllowance): number {
  if (left === null || perWindow === null) return 1;
  return Math.max(1, (PLENTY * perWindow) / Math.max(left, 0.5));
}

/** The same for a job whose end an event will report: in case that the event is lost. */
export function fallbackDelayMs(followedMs: number): number {
  return Math.min(FALLBACK_MAX_MS, FALLBACK_FIRST_MS + followedMs);
}

/**
 * Whether events arrive here at present. Times are epoch milliseconds of a clock that may have been set back.
 * @param lastEventAt of any job
 * @param missedAt when a job was last found at its end by polling, which an event should have reported
 */
export function eventsArrive(now: number, lastEventAt: number | undefined, missedAt: number | undefined): boolean {
  if (lastEventAt === undefined || Math.abs(now - lastEventAt) > EVIDENCE_FOR_MS) return false;
  return missedAt === undefined || missedAt < lastEventAt;
}
