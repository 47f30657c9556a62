/** How long to wait before a job is polled next, by what is known of it and by what requests cost at present. */
import { urlOf } from '../core/untrusted-text.ts';
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
  /** In [0, 1): processes that wait for pictures of one kind do not all come at once. */
  random: number;
};

/** So many pictures of a kind must have been seen before their durations are believed. */
const ENOUGH = 5;
const STEP_MS = 1_750;
const STEP_MAX_MS = 10_000;
/** Because requests are scarce a poll is put off to this at most. */
const PUT_OFF_MAX_MS = 15_000;
/** Long enough for the pauses of a day's work; whoever changes a tunnel or a proxy needs longer to notice anything. */
const EVIDENCE_FOR_MS = 3 * 60 * 60_000;

export function pollDelayMs({ known, allowance, ageMs, isSeen, followedMs, random }: PolledState): number {
  const { left, perWindow, refillMs } = allowance;
  // 1 as long as half of the window's requests are left.
  const price = left === null || perWindow === null ? 1 : Math.max(1, perWindow / 2 / Math.max(left, 0.5));
  const priced = (delayMs: number): number => Math.min(PUT_OFF_MAX_MS, Math.min(STEP_MAX_MS, delayMs) * price);
  if (known.length < ENOUGH) return priced(1_500 + followedMs / 2);
  const part = (quantile: number): number => quantileMs(known, quantile) ?? 0;
  // When a quarter of such pictures are finished, or 3 s after the first ones. Where requests are scarce the first poll
  // should find the picture finished.
  const firstMs = Math.min(part(Math.min(0.85, 0.25 * price)), part(0.05) + 3_000 * price ** 2);
  // In even steps then; one that lasts longer than all before it less and less often.
  const stepMs = isSeen ? priced(Math.max(STEP_MS, (ageMs - part(1)) / 4)) : 0;
  return Math.max(refillMs, Math.max(stepMs, firstMs - ageMs) * (1 + 0.05 * random));
}

/** The same for a job whose end an event will report, within seconds: in case that the event is lost. */
export const fallbackDelayMs = (followedMs: number): number => Math.min(60_000, 30_000 + followedMs);

/** Whether events for `url` arrive at the listener for `own`. A query does not matter. */
export function leadsTo(own: string | undefined, url: string | undefined): boolean {
  const [one, other] = [own, url].map((text) => (text === undefined ? undefined : urlOf(text)));
  return one !== undefined && one.origin === other?.origin && one.pathname === other.pathname;
}

/**
 * Whether events arrive here at present. Times are epoch milliseconds of a clock that may have been set back, `-Infinity`
 * for never.
 * @param lastEventAt of any job
 * @param missedAt when a job was last found at its end by polling, which an event should have reported
 */
export function eventsArrive(now: number, lastEventAt: number, missedAt: number): boolean {
  return Math.abs(now - lastEventAt) <= EVIDENCE_FOR_MS && missedAt < lastEventAt;
}
