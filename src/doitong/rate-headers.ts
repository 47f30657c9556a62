/** Reads the request window and the delay before the next try from an answer's headers, and what to remember of both. */
import type { RateReport, ReportedWindow } from '../limits/rate-state.ts';
import type { Decision } from './failures.ts';

/** `retryAfterMs`: from the answer on. */
export type RateHeaders = ReportedWindow & { retryAfterMs?: number };

// `X-RateLimit-Reset` has no documented unit (docs/service-questions.md, row 4): numbers are told apart by their size.
const SECONDS_FROM_NOW_BELOW = 1e8;
const EPOCH_SECONDS_BELOW = 1e11;
/** A wrong or hostile header must not silence the process for longer than the longest window there is. */
const DELAY_MAX_MS = 24 * 60 * 60_000;
const COUNT_MAX = 1e9;

const NUMBER = /^\s*(\d+(?:\.\d+)?)\s*(?:[;,].*)?$/u;
// `Date.parse` takes "-5" for a date, so that the form is checked first.
const DATE = /^\s*(?:\d{4}-\d{2}-\d{2}[T ]|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )/iu;
const ZONELESS = /^\s*\d{4}-\d{2}-\d{2}[T ][\d:.]+\s*$/u;

/** The service's clock differs from ours by less than this in every network: its `Date` has whole seconds. */
const SAME_CLOCK_MS = 2_000;

/** Points in time are by the service's clock: the answer's `Date` shows by how much that differs from ours. */
export function readRateHeaders(headers: Readonly<Record<string, string>>, now: number): RateHeaders {
  const ahead = clockDifference(headers.date, now);
  const limit = count(headers['x-ratelimit-limit']);
  const remaining = count(headers['x-ratelimit-remaining']);
  const resetsAt = instant(headers['x-ratelimit-reset'], now + ahead);
  const retrySeconds = number(headers['retry-after']);
  const retryAt = date(headers['retry-after']);
  const retryMs = retryAt === undefined ? undefined : byOurClock(retryAt, now, ahead) - now;
  const retryAfterMs = retrySeconds === undefined ? retryMs : retrySeconds * 1_000;
  return {
    // A limit of none would let nothing through for ever: no service means that.
    ...(limit !== undefined && limit > 0 && { limit }),
    ...(remaining !== undefined && { remaining }),
    ...(resetsAt !== undefined && { resetsAt: Math.min(byOurClock(resetsAt, now, ahead), now + DELAY_MAX_MS) }),
    // A date that has passed means no wait.
    ...(retryAfterMs !== undefined && { retryAfterMs: Math.min(Math.max(0, retryAfterMs), DELAY_MAX_MS) }),
  };
}

/** The delay in milliseconds that the service asked for: `Retry-After`, else until the reset after a rate limit. */
export function reportedDelay({ row }: Decision, reported: RateHeaders, at: number): number | undefined {
  const untilReset = row === 'rateLimited' && reported.resetsAt !== undefined ? reported.resetsAt - at : undefined;
  // A reset that has passed belongs to another clock than ours.
  return reported.retryAfterMs ?? (untilReset !== undefined && untilReset > 0 ? untilReset : undefined);
}

/** @param delayMs what `reportedDelay` found, of a refusal */
export function rateReportOf(
  decision: Decision,
  { retryAfterMs: _, ...window }: RateHeaders,
  delayMs: number | undefined,
  at: number,
): RateReport {
  // A limit on jobs says nothing against asking for their status.
  const isPaused = delayMs !== undefined && decision.row !== 'jobLimited';
  return { window, pausedUntil: isPaused ? at + delayMs : undefined, balance: decision.failure.creditsAvailable };
}

/** A `Date` that makes nonsense of another time is itself wrong: some machines on the way write their own. */
function byOurClock(there: number, now: number, ahead: number): number {
  const isNear = (at: number): boolean => Math.abs(at - now) <= DELAY_MAX_MS;
  return isNear(there) && !isNear(there - ahead) ? there : there - ahead;
}

/** Milliseconds by which the service's clock is ahead of ours; 0 when it is the same, or is not known. */
export function clockDifference(dateHeader: string | undefined, now: number): number {
  const there = date(dateHeader);
  const ahead = there === undefined ? 0 : there - now;
  return Math.abs(ahead) <= SAME_CLOCK_MS ? 0 : ahead;
}

function instant(header: string | undefined, now: number): number | undefined {
  const value = number(header);
  if (value === undefined) return date(header);
  if (value < SECONDS_FROM_NOW_BELOW) return now + value * 1_000;
  return value < EPOCH_SECONDS_BELOW ? value * 1_000 : value;
}

function count(header: string | undefined): number | undefined {
  const value = number(header);
  // Some services write "unlimited" as the largest number they know.
  return value === undefined || value > COUNT_MAX ? undefined : Math.floor(value);
}

function number(header: string | undefined): number | undefined {
  const digits = NUMBER.exec(header ?? '')?.[1];
  const value = Number(digits);
  return digits === undefined || !Number.isFinite(value) ? undefined : value;
}

export function date(header: string | undefined): number | undefined {
  if (header === undefined || !DATE.test(header)) return undefined;
  // Without a zone an ISO date would be read as one of this machine's.
  const at = Date.parse(ZONELESS.test(header) ? `${header.trim()}Z` : header);
  return Number.isNaN(at) ? undefined : at;
}
