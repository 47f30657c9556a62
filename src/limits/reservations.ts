/** The account of orders shared by all processes with one key: what is reserved and spent, and who holds a place. */
import { isEnded, type Job } from '../core/job.ts';
import type { Owner } from '../core/processes.ts';

/** An equal request this soon after the end of the first is taken for a repeated call, not for a new wish. */
export const DUPLICATE_WINDOW_MS = 120_000;
/** An order of unknown outcome stays in the way of an equal one for so long. */
const UNKNOWN_KEPT_MS = 7 * 24 * 60 * 60_000;

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
  /** Places are given in the order of turns: the n-th order of a call waits as long as n calls of one picture would. */
  turn?: number;
  /** The call that ordered several pictures: they are remembered together, for as long as the last of them. */
  batch?: string;
  /** Nothing more comes of it; its credits are in the totals by then. */
  end?: { at: number; outcome: 'picture' | 'nothing' | 'free' | 'unknown' };
};

export type Account = {
  /** Days since the epoch, in UTC: the provider's page does not say when its day begins. */
  day: number;
  /** Of ended orders of that day. */
  settled: { images: number; credits: number };
  entries: readonly AccountEntry[];
  /** When a place was taken or given back last. */
  placesChangedAt: number;
  /** The turn of the order that got its place last; absent: 0. */
  turn?: number;
};

/** `null` means no limit. */
export type SpendingLimits = {
  creditsPerDay: number | null;
  imagesPerDay: number | null;
  /** The plan's own. */
  jobsPerDay: number | null;
};

export type Totals = { images: number; spentCredits: number; reservedCredits: number; placesInUse: number };

/** An order that asks to be admitted. */
export type Candidate = Pick<AccountEntry, 'id' | 'fingerprint' | 'owner' | 'maxCredits' | 'batch'> & {
  allowDuplicate: boolean;
};

export type Admission =
  | { type: 'admitted' }
  /** An equal order is under way, or has just ended. */
  | { type: 'duplicate'; id: string };

/** `wanted`: what all that is new would have cost and counted. */
export type OverLimit = {
  type: 'over';
  limit: keyof SpendingLimits;
  allowed: number;
  totals: Totals;
  wanted: { credits: number; images: number };
};

/** One admission for each candidate, in their order, or none at all. */
export type AdmissionVerdict = { type: 'taken'; account: Account; admissions: readonly Admission[] } | OverLimit;

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
  const remembers = memoryOf(account, now);
  const entries = account.entries.filter(remembers);
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

/**
 * The order that an equal request would only repeat. One that ended without a picture is ordered again, but not by a
 * repeated call for several pictures: that call wants to know what has become of each.
 */
export function twinIn(account: Account, fingerprint: string, now: number, forBatch = false): AccountEntry | undefined {
  const remembers = memoryOf(account, now);
  const isTwin = ({ end, batch }: AccountEntry): boolean =>
    end?.outcome === 'nothing' ? forBatch && batch !== undefined : end?.outcome !== 'free';
  return account.entries.findLast((entry) => entry.fingerprint === fingerprint && isTwin(entry) && remembers(entry));
}

/** Reserves the price of all that is new among the candidates, in one step: all of it, or nothing. */
export function admitAll(
  before: Account,
  candidates: readonly Candidate[],
  limits: SpendingLimits,
  now: number,
): AdmissionVerdict {
  const account = accountAt(before, now);
  const twins = candidates.map((order) =>
    order.allowDuplicate ? undefined : twinIn(account, order.fingerprint, now, order.batch !== undefined),
  );
  const added = candidates.filter((_, index) => twins[index] === undefined);
  const totals = totalsOf(account);
  const wanted = { credits: added.reduce((sum, { maxCredits }) => sum + maxCredits, 0), images: added.length };
  const after: Readonly<Record<keyof SpendingLimits, number>> = {
    creditsPerDay: totals.spentCredits + totals.reservedCredits + wanted.credits,
    imagesPerDay: totals.images + wanted.images,
    jobsPerDay: totals.images + wanted.images,
  };
  for (const limit of ['creditsPerDay', 'imagesPerDay', 'jobsPerDay'] as const) {
    const allowed = limits[limit];
    if (added.length > 0 && allowed !== null && after[limit] > allowed)
      return { type: 'over', limit, allowed, totals, wanted };
  }
  const turn = account.turn ?? 0;
  const entries = added.map(
    ({ allowDuplicate: _, ...order }, index): AccountEntry => ({
      ...order,
      at: now,
      day: account.day,
      place: false,
      ...(turn + index === 0 ? {} : { turn: turn + index }),
    }),
  );
  const admissions = twins.map((twin): Admission => (twin ? { type: 'duplicate', id: twin.id } : { type: 'admitted' }));
  const known = joined(account, candidates, twins);
  if (added.length === 0 && known === account.entries) return { type: 'taken', account: before, admissions };
  return {
    type: 'taken',
    account: { ...account, entries: [...known, ...entries] },
    admissions,
  };
}

/** What a repeated call finds is remembered with what it orders now. */
function joined(
  { entries }: Account,
  candidates: readonly Candidate[],
  twins: readonly (AccountEntry | undefined)[],
): readonly AccountEntry[] {
  const batches = new Map(twins.map((twin, index) => [twin?.id, candidates[index]?.batch]));
  const isNew = ({ id, batch }: AccountEntry): boolean => (batches.get(id) ?? batch) !== batch;
  if (!entries.some(isNew)) return entries;
  return entries.map((entry) => (isNew(entry) ? { ...entry, batch: batches.get(entry.id) ?? entry.id } : entry));
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
  const entries = account.entries.map((known) =>
    known.id === entry.id ? { ...entry, place: false, end: { at: now, outcome: end } } : known,
  );
  const placesChangedAt = entry.place ? now : account.placesChangedAt;
  return { ...account, settled, entries, placesChangedAt };
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

/** Whether an order is still to be known: it is open, or it or another of its call has just ended. */
function memoryOf({ entries }: Account, now: number): (entry: AccountEntry) => boolean {
  const isFresh = ({ end }: AccountEntry): boolean => end === undefined || isRemembered(end, now);
  const batches = new Set(entries.filter(isFresh).map(({ batch }) => batch));
  return (entry) => isFresh(entry) || (entry.batch !== undefined && batches.has(entry.batch));
}

function isRemembered(end: NonNullable<AccountEntry['end']>, now: number): boolean {
  const window = end.outcome === 'unknown' ? UNKNOWN_KEPT_MS : DUPLICATE_WINDOW_MS;
  // A clock that was set back would otherwise keep it for as long as it was set back.
  return Math.abs(now - end.at) < window;
}

/** The account with `by` in place of the entry. */
export function replaced(account: Account, entry: AccountEntry, by: AccountEntry): Account {
  return { ...account, entries: account.entries.map((known) => (known === entry ? by : known)) };
}
