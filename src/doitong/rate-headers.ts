/** Reads what an answer's headers tell of the request window and of the delay before the next try. */

export type RateHeaders = {
  /** Requests per window. */
  limit?: number;
  remaining?: number;
  /** Epoch milliseconds. */
  resetsAt?: number;
  /** Milliseconds from the answer, from `Retry-After`. */
  retryAfterMs?: number;
};

// `X-RateLimit-Reset` has no documented unit (open point 4 of the API page): numbers are told apart by their size.
const SECONDS_FROM_NOW_BELOW = 1e8;
const EPOCH_SECONDS_BELOW = 1e11;
/** A wrong or hostile header must not silence the process for longer than the longest window there is. */
const DELAY_MAX_MS = 24 * 60 * 60_000;

const NUMBER = /^\s*(\d+(?:\.\d+)?)\s*(?:[;,].*)?$/u;
// `Date.parse` takes "-5" for a date, so that the form is checked first.
const DATE = /^\s*(?:\d{4}-\d{2}-\d{2}[T ]|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )/iu;

/** `headers` have lower-case names; `now` is in epoch milliseconds. What cannot be read is absent. */
export function readRateHeaders(headers: Readonly<Record<string, string>>, now: number): RateHeaders {
  const told: RateHeaders = {};
  const limit = count(headers['x-ratelimit-limit']);
  const remaining = count(headers['x-ratelimit-remaining']);
  const resetsAt = readReset(headers['x-ratelimit-reset'], now);
  const retryAfterMs = readRetryAfter(headers['retry-after'], now);
  if (limit !== undefined) told.limit = limit;
  if (remaining !== undefined) told.remaining = remaining;
  if (resetsAt !== undefined) told.resetsAt = resetsAt;
  if (retryAfterMs !== undefined) told.retryAfterMs = retryAfterMs;
  return told;
}

/** Epoch milliseconds at which the window starts anew, at most a day from `now`. */
export function readReset(header: string | undefined, now: number): number | undefined {
  const at = instant(header, now);
  return at === undefined ? undefined : Math.min(at, now + DELAY_MAX_MS);
}

/** Milliseconds to wait, from seconds or an HTTP date; a date that has passed means none. */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  const seconds = number(header);
  const delayMs = seconds === undefined ? dateDelay(header, now) : seconds * 1_000;
  return delayMs === undefined ? undefined : Math.min(Math.max(0, delayMs), DELAY_MAX_MS);
}

function instant(header: string | undefined, now: number): number | undefined {
  const value = number(header);
  if (value === undefined) return date(header);
  if (value < SECONDS_FROM_NOW_BELOW) return now + value * 1_000;
  return value < EPOCH_SECONDS_BELOW ? value * 1_000 : value;
}

function dateDelay(header: string | undefined, now: number): number | undefined {
  const at = date(header);
  return at === undefined ? undefined : at - now;
}

function count(header: string | undefined): number | undefined {
  const value = number(header);
  return value === undefined ? undefined : Math.floor(value);
}

function number(header: string | undefined): number | undefined {
  const digits = NUMBER.exec(header ?? '')?.[1];
  const value = Number(digits);
  return digits === undefined || !Number.isFinite(value) ? undefined : value;
}

function date(header: string | undefined): number | undefined {
  if (header === undefined || !DATE.test(header)) return undefined;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : at;
}
