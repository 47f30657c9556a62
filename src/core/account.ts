/** The account of orders shared by all processes with one key: what is reserved and spent, and who holds a place. */
import { isEnded, type Job } from './job.ts';
import type { Owner } from './processes.ts';

/** An equal request this soon after the end of the first is taken for a repeated call, not for a new wish. */
export const DUPLICATE_WINDOW_MS = 120_000;
/** An order of unknown outcome stays in the way of an equal one for so long. */
const UNKNOWN_KEPT_MS = 7 * 24 * 60 * 60_000;
/** Places are given in the order of the orders; after so long without a change, whoever comes takes the free one. */
const IN_ORDER_MS = 3_000;

/** One order. Times are epoch milliseconds, amounts credits. */
export type AccountEntry = {
  id: string;
  /** Of the request in normal form: equal requests have equal ones. */
  fingerprint: string;
  at: number;
  /** The day that it counts for: the account's when it was made, whatever a clock that is set back says later. */
  day: number;
  owner: Owner;
  /** The upper end of the price range: reserved until the exact price is known. */
  maxCredits: number;
  exactCredits?: number;
  /** Whether it holds one of the plan's places for jobs at a time. */
  place: boolean;
  /** When it got its place. It may have left since: without a record it still may be paid for. */
  placedAt?: number;
  /** Nothing more comes of it; its credits are in the totals by then. */
  end?: { at: number; outcome: 'picture' | 'nothing' | 'unknown' };
};

export type Account = {
  /** Days since the epoch, in UTC: the provider's page does not say when its day begins. */
  day: number;
  /** Of ended orders of that day. */
  settled: { images: number; credits: number };
  entries: readonly AccountEntry[];
  /** When a place was taken or given back last. */
  placesChangedAt: number;
};

/** `null` means no limit. */
export type SpendingLimits = {
  creditsPerDay: number | null;
  imagesPerDay: number | null;
  /** The plan's own. */
  jobsPerDay: number | null;
};

export type Totals = { images: number; spentCredits: number; reservedCredits: number; placesInUse: number };

export type AdmissionVerdict =
  | { type: 'admitted'; account: Account }
  /** An equal order is under way, or has just ended. */
  | { type: 'duplicate'; id: string }
  | { type: 'over'; limit: keyof SpendingLimits; allowed: number; totals: Totals };

export function emptyAccount(now: number): Account {
  return { day: utcDay(now), settled: { images: 0, credits: 0 }, entries: [], placesChangedAt: now };
}

/** The provider's page does not say when its day begins; UTC is taken. */
export function utcDay(epochMs: number): number {
  return Math.floor(epochMs / 86_400_000);
}

/** The account as of `now`: a new day begins with empty totals, and ended orders are forgotten in time. */
export function accountAt(account: Account, now: number): Account {
  const today = utcDay(now);
  // A clock that was set back into the day before must not forget what today has cost; one that was set back by more
  // was wrong before, and its day would not end for as long.
  const day = account.day - today > 1 ? today : Math.max(today, account.day);
  const entries = account.entries.filter(({ end }) => end === undefined || isRemembered(end, now));
  if (account.day === day && entries.length === account.entries.length) return account;
  const settled = day > account.day ? { images: 0, credits: 0 } : account.settled;
  return { ...account, day, settled, entries };
}

export function totalsOf(account: Account): Totals {
  const today = account.entries.filter((entry) => entry.end === undefined && entry.day >= account.day);
  const sum = (amount: (entry: AccountEntry) => number): number =>
    today.reduce((total, entry) => total + amount(entry), 0);
  return {
    images: account.settled.images + today.length,
    spentCredits: account.settled.credits + sum((entry) => entry.exactCredits ?? 0),
    reservedCredits: sum((entry) => (entry.exactCredits === undefined ? entry.maxCredits : 0)),
    placesInUse: account.entries.filter((entry) => entry.place && entry.end === undefined).length,
  };
}

/** Orders that wait to be sent for the first time. */
export function waitingOrders(account: Account): number {
  return account.entries.filter((entry) => entry.end === undefined && entry.placedAt === undefined).length;
}

/** The order that an equal request would only repeat. */
export function twinIn(account: Account, fingerprint: string, now: number): AccountEntry | undefined {
  const equal = account.entries.filter((entry) => entry.fingerprint === fingerprint);
  return equal.findLast(({ end }) => end === undefined || (end.outcome !== 'nothing' && isRemembered(end, now)));
}

export function admit(
  before: Account,
  order: Pick<AccountEntry, 'id' | 'fingerprint' | 'owner' | 'maxCredits'>,
  limits: SpendingLimits,
  options: { now: number; allowDuplicate: boolean },
): AdmissionVerdict {
  const account = accountAt(before, options.now);
  const twin = options.allowDuplicate ? undefined : twinIn(account, order.fingerprint, options.now);
  if (twin !== undefined) return { type: 'duplicate', id: twin.id };
  const totals = totalsOf(account);
  const credits = totals.spentCredits + totals.reservedCredits + order.maxCredits;
  const wanted: Readonly<Record<keyof SpendingLimits, number>> = {
    creditsPerDay: credits,
    imagesPerDay: totals.images + 1,
    jobsPerDay: totals.images + 1,
  };
  for (const limit of ['creditsPerDay', 'imagesPerDay', 'jobsPerDay'] as const) {
    const allowed = limits[limit];
    if (allowed !== null && wanted[limit] > allowed) return { type: 'over', limit, allowed, totals };
  }
  const entry: AccountEntry = { ...order, at: options.now, day: account.day, place: false };
  return { type: 'admitted', account: { ...account, entries: [...account.entries, entry] } };
}

export type PlaceVerdict =
  /** `absent`: the order is not on the account, so that nothing is reserved for it. */
  | { type: 'taken'; account: Account; absent?: true }
  /** `ahead`: orders that come first; `oldestAt`: when the longest-running job was ordered. */
  | { type: 'full'; ahead: number; oldestAt: number | undefined };

/** A place among the plan's jobs at a time. An order that has one, or is not on the account, takes none. */
export function takePlace(account: Account, id: string, limit: number | null, now: number): PlaceVerdict {
  const open = account.entries.filter((entry) => entry.end === undefined);
  const own = open.find((entry) => entry.id === id);
  if (own === undefined) return { type: 'taken', account, absent: true };
  if (own.place) return { type: 'taken', account };
  const holders = open.filter((entry) => entry.place);
  // One that gave its place back does not wait for another.
  const ahead = open.filter((entry) => !entry.place && entry.placedAt === undefined && comesBefore(entry, own)).length;
  const free = limit === null ? Number.POSITIVE_INFINITY : limit - holders.length;
  const quiet = Math.abs(now - account.placesChangedAt) > IN_ORDER_MS;
  if (free > ahead || (free > 0 && quiet)) {
    const entries = account.entries.map((entry) => (entry === own ? { ...entry, place: true, placedAt: now } : entry));
    return { type: 'taken', account: { ...account, entries, placesChangedAt: now } };
  }
  const oldest = holders.length === 0 ? undefined : Math.min(...holders.map((entry) => entry.at));
  return { type: 'full', ahead, oldestAt: oldest };
}

/** The account after what the record says of its order; the very same account when that is nothing new. */
export function noteJob(account: Account, job: Job, now: number): Account {
  const entry = account.entries.find((known) => known.id === job.id);
  if (entry === undefined) return account;
  if (entry.end !== undefined) {
    const isNews = entry.end.outcome === 'unknown' && job.state !== 'unknown';
    return isNews ? noteJob(reopened(account, entry), job, now) : account;
  }
  const exact = job.credits.exact ?? undefined;
  const end = endOf(job);
  if (end === undefined) {
    if (exact === entry.exactCredits && job.owner.session === entry.owner.session) return account;
    const { exactCredits: _, ...rest } = entry;
    return replaced(account, entry, {
      ...rest,
      owner: job.owner,
      ...(exact === undefined ? {} : { exactCredits: exact }),
    });
  }
  return ended(account, exact === undefined ? entry : { ...entry, exactCredits: exact }, end, now);
}

function ended(
  account: Account,
  entry: AccountEntry,
  end: NonNullable<ReturnType<typeof endOf>>,
  now: number,
): Account {
  const counts = entry.day >= account.day && end !== 'free';
  const settled = counts
    ? {
        images: account.settled.images + 1,
        credits: account.settled.credits + (entry.exactCredits ?? entry.maxCredits),
      }
    : account.settled;
  const outcome = end === 'free' ? 'nothing' : end;
  const entries = account.entries.map((known) =>
    known.id === entry.id ? { ...entry, place: false, end: { at: now, outcome } } : known,
  );
  const placesChangedAt = entry.place ? now : account.placesChangedAt;
  return { ...account, settled, entries, placesChangedAt };
}

/** A job that is not watched any more gives its place back; its price stays reserved. */
export function givePlaceBack(account: Account, id: string, now: number): Account {
  const entry = account.entries.find((known) => known.id === id);
  if (entry === undefined || !entry.place) return account;
  return { ...replaced(account, entry, { ...entry, place: false }), placesChangedAt: now };
}

/** The order as if it had never been: nothing was sent. */
export function dropEntry(account: Account, id: string, now: number): Account {
  const entries = account.entries.filter((entry) => entry.id !== id);
  return entries.length === account.entries.length ? account : { ...account, entries, placesChangedAt: now };
}

/** The account after the loss of a record: an order that may have left is counted in full, and stays in the way. */
export function loseEntry(account: Account, id: string, now: number): Account {
  const entry = account.entries.find((known) => known.id === id);
  if (entry === undefined || entry.end !== undefined) return account;
  return ended(account, entry, 'unknown', now);
}

/** The account that the records tell, for when its own file is missing or damaged. */
export function accountOfJobs(jobs: readonly Job[], fingerprintOf: (job: Job) => string, now: number): Account {
  let account = emptyAccount(now);
  for (const job of jobs.toSorted((one, other) => one.createdAt - other.createdAt)) {
    if (utcDay(job.createdAt) < account.day && isEnded(job)) continue;
    account = { ...account, entries: [...account.entries, entryOf(job, fingerprintOf)] };
    account = noteJob(account, job, job.completedAt ?? job.updatedAt);
  }
  return accountAt(account, now);
}

/** An order that lives and has no entry (the file was lost before it was recorded) gets it back: it is to be paid. */
export function withEntryOf(account: Account, job: Job, fingerprintOf: (job: Job) => string): Account {
  if (isEnded(job) || job.state === 'unknown' || account.entries.some(({ id }) => id === job.id)) return account;
  return { ...account, entries: [...account.entries, entryOf(job, fingerprintOf)] };
}

function entryOf(job: Job, fingerprintOf: (job: Job) => string): AccountEntry {
  return {
    id: job.id,
    fingerprint: fingerprintOf(job),
    at: job.createdAt,
    day: utcDay(job.createdAt),
    owner: job.owner,
    maxCredits: job.credits.max,
    place: job.state === 'submitting' || job.state === 'processing',
    ...(job.state === 'queued' ? {} : { placedAt: job.createdAt }),
  };
}

/** As it was before it was given up. */
function reopened(account: Account, { end: _, ...entry }: AccountEntry): Account {
  const settled =
    entry.day >= account.day
      ? {
          images: account.settled.images - 1,
          credits: account.settled.credits - (entry.exactCredits ?? entry.maxCredits),
        }
      : account.settled;
  return { ...account, settled, entries: account.entries.map((known) => (known.id === entry.id ? entry : known)) };
}

/** `free`: it ended without a charge. */
function endOf(job: Job): 'picture' | 'nothing' | 'unknown' | 'free' | undefined {
  if (job.state === 'unknown') return 'unknown';
  if (!isEnded(job)) return undefined;
  if (job.state !== 'failed') return 'picture';
  // Whether the service keeps the price of a job that it ended itself is not documented: it is taken to be spent.
  return job.failure?.creditsSpent === 'no' ? 'free' : 'nothing';
}

function isRemembered(end: NonNullable<AccountEntry['end']>, now: number): boolean {
  const window = end.outcome === 'unknown' ? UNKNOWN_KEPT_MS : DUPLICATE_WINDOW_MS;
  // A clock that was set back would otherwise keep it for as long as it was set back.
  return Math.abs(now - end.at) < window;
}

function comesBefore(one: AccountEntry, other: AccountEntry): boolean {
  return one.at < other.at || (one.at === other.at && one.id < other.id);
}

function replaced(account: Account, entry: AccountEntry, by: AccountEntry): Account {
  return { ...account, entries: account.entries.map((known) => (known === entry ? by : known)) };
}
