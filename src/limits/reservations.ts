/** The orders of all processes with one key: what is reserved and spent, and who has a slot. */
import * as z from 'zod';
import { isFinishedRemotely, type Job } from '../core/job.ts';
import { ownerSchema } from '../core/ports.ts';

/** What orders of so long have cost is confirmed together with the next one: ended ones are remembered until then. */
const RECENT_MS = 10 * 60_000;
/** Days whose sums are kept: a clock that is set back enters one of them again. */
const DAYS_KEPT = 16;

/** One order. Times are epoch milliseconds, amounts credits. */
const reservationSchema = z.object({
  id: z.string(),
  /** Of the request in normal form: equal requests have equal ones. */
  fingerprint: z.string(),
  at: z.number(),
  owner: ownerSchema,
  /** The upper end of the price range: reserved until the exact price is known. */
  maxCredits: z.number(),
  exactCredits: z.exactOptional(z.number()),
  /** Whether it has one of the plan's slots for jobs at a time. */
  slot: z.boolean(),
  /** When it got its slot. It may have left since: without a record it still may be paid for. */
  slotAt: z.exactOptional(z.number()),
  /** Slots are given in the order of turns: the n-th order of a call waits as long as n calls of one picture would. */
  turn: z.exactOptional(z.number()),
  /** Somebody has said yes to its price. */
  confirmed: z.exactOptional(z.literal(true)),
  /** Nothing more comes of it; its credits are in the sums of that day (since the epoch) by then. */
  end: z.exactOptional(
    z.object({ at: z.number(), outcome: z.enum(['picture', 'nothing', 'free', 'unknown']), day: z.int() }),
  ),
});
export type Reservation = z.infer<typeof reservationSchema>;
type Outcome = NonNullable<Reservation['end']>['outcome'];

export const reservationsSchema = z.object({
  /** What ended orders have cost, by day since the epoch. A day that is entered again still has its sums. */
  days: z.record(z.string(), z.object({ images: z.int(), credits: z.number() })),
  entries: z.array(reservationSchema).readonly(),
  slotsChangedAt: z.number(),
});
export type Reservations = z.infer<typeof reservationsSchema>;

/** `null` means no limit; `jobsPerDay` is the plan's own. */
export type SpendingLimits = Record<'creditsPerDay' | 'imagesPerDay' | 'jobsPerDay', number | null>;

export type Totals = { images: number; spentCredits: number; reservedCredits: number; slotsInUse: number };

export type Candidate = Pick<Reservation, 'id' | 'fingerprint' | 'at' | 'owner' | 'maxCredits'> & {
  allowDuplicate: boolean;
  isConfirmed?: boolean;
};

/** `duplicate`: an equal order is open or of unknown outcome; those that have ended are found among the records. */
export type Admission = { type: 'admitted' } | { type: 'duplicate'; id: string };

/** `wanted`: what all that is new would have cost and counted. */
export type LimitExceeded = {
  type: 'exceeded';
  limit: keyof SpendingLimits;
  allowed: number;
  totals: Totals;
  wanted: { credits: number; images: number };
};

/** One admission for each candidate, in their order, or none at all. */
export type AdmissionResult =
  | { type: 'taken'; reservations: Reservations; admissions: readonly Admission[] }
  | LimitExceeded;

export function emptyReservations(now: number): Reservations {
  return { days: {}, entries: [], slotsChangedAt: now };
}

export const DAY_MS = 24 * 60 * 60_000;
/** One of unknown outcome may still turn out: its key is known to the service for a day. */
const UNKNOWN_KEPT_MS = 2 * DAY_MS;
/** The provider's page does not say when its day begins; UTC is taken. */
export const utcDay = (epochMs: number): number => Math.floor(epochMs / DAY_MS);

/** The reservations as of `now`: ended orders are forgotten in time. */
export function reservationsAt(reservations: Reservations, now: number): Reservations {
  const entries = reservations.entries.filter(({ end }) => {
    const keptMs = end?.outcome === 'unknown' ? UNKNOWN_KEPT_MS : RECENT_MS;
    // A clock that was set back would otherwise keep it for as long as it was set back.
    return end === undefined || Math.abs(now - end.at) < keptMs;
  });
  return entries.length === reservations.entries.length ? reservations : { ...reservations, entries };
}

/** Of the day of `now`. An open order counts for whichever day it is: it may be charged in it. */
export function totalsOf(reservations: Reservations, now: number): Totals {
  const open = reservations.entries.filter((entry) => entry.end === undefined);
  const ended = reservations.days[utcDay(now)] ?? { images: 0, credits: 0 };
  const sum = (amount: (entry: Reservation) => number): number =>
    open.reduce((total, entry) => total + amount(entry), 0);
  return {
    images: ended.images + open.length,
    spentCredits: ended.credits + sum((entry) => entry.exactCredits ?? 0),
    reservedCredits: sum((entry) => (entry.exactCredits === undefined ? entry.maxCredits : 0)),
    slotsInUse: open.filter((entry) => entry.slot).length,
  };
}

/** What was ordered without a yes of anybody in the last ten minutes, in credits. */
export function unconfirmedCredits({ entries }: Reservations, now: number): number {
  return entries
    .filter(({ confirmed, at, end }) => !confirmed && end?.outcome !== 'free' && Math.abs(now - at) < RECENT_MS)
    .reduce((sum, { exactCredits, maxCredits }) => sum + (exactCredits ?? maxCredits), 0);
}

/** Orders that wait to be sent for the first time. */
export function waitingOrders(reservations: Reservations): number {
  return reservations.entries.filter((entry) => entry.end === undefined && entry.slotAt === undefined).length;
}

/**
 * Reserves the price of all that is new among the candidates, in one step: all of it, or nothing.
 * @param openFoundMs for how long an equal order finds one that is open
 */
export function admitAll(
  before: Reservations,
  candidates: readonly Candidate[],
  limits: SpendingLimits,
  now: number,
  openFoundMs = DAY_MS,
): AdmissionResult {
  const reservations = reservationsAt(before, now);
  // One of unknown outcome is found as well, because its record may be lost.
  const open = reservations.entries.filter(({ at, end }) => {
    return (end === undefined || end.outcome === 'unknown') && Math.abs(now - at) < openFoundMs;
  });
  const duplicates = candidates.map(({ allowDuplicate, fingerprint }) =>
    allowDuplicate ? undefined : open.findLast((entry) => entry.fingerprint === fingerprint),
  );
  const added = candidates.filter((_, index) => duplicates[index] === undefined);
  const totals = totalsOf(reservations, now);
  const wanted = { credits: added.reduce((sum, { maxCredits }) => sum + maxCredits, 0), images: added.length };
  const total: Readonly<Record<keyof SpendingLimits, number>> = {
    creditsPerDay: totals.spentCredits + totals.reservedCredits + wanted.credits,
    imagesPerDay: totals.images + wanted.images,
    jobsPerDay: totals.images + wanted.images,
  };
  for (const limit of ['creditsPerDay', 'imagesPerDay', 'jobsPerDay'] as const) {
    const allowed = limits[limit];
    if (added.length > 0 && allowed !== null && total[limit] > allowed)
      return { type: 'exceeded', limit, allowed, totals, wanted };
  }
  const entries = added.map(({ allowDuplicate: _, isConfirmed, ...order }, index): Reservation => {
    const confirmed = isConfirmed && { confirmed: true as const };
    return { ...order, ...confirmed, slot: false, ...(index > 0 && { turn: index }) };
  });
  const admissions = duplicates.map(
    (duplicate): Admission => (duplicate ? { type: 'duplicate', id: duplicate.id } : { type: 'admitted' }),
  );
  const after = added.length === 0 ? before : { ...reservations, entries: [...reservations.entries, ...entries] };
  return { type: 'taken', reservations: after, admissions };
}

/** The reservations after what the record says of its order; the very same ones when that is nothing new. */
export function noteJob(reservations: Reservations, job: Job, now: number): Reservations {
  const entry = reservations.entries.find((known) => known.id === job.id);
  if (entry === undefined) return reservations;
  const { exact, max } = job.credits;
  // Of a second job that was made of it the price is not known, and may be charged as well.
  const second = job.secondRemoteId === undefined ? 0 : max;
  const priced = { ...entry, maxCredits: max + second, ...(exact !== null && { exactCredits: exact + second }) };
  if (entry.end !== undefined) {
    const { end, ...open } = entry;
    const costsMore = end.outcome !== 'free' && priced.maxCredits > entry.maxCredits;
    if (end.outcome === 'unknown' ? job.state === 'unknown' : !costsMore) return reservations;
    // As it was before it was given up, or was over.
    const reopened = { ...replaced(reservations, open), days: daysWith(reservations, entry, end.day, -1) };
    return noteJob(reopened, job, now);
  }
  const outcome = outcomeOf(job);
  if (outcome === undefined) {
    const isSame = priced.exactCredits === entry.exactCredits && priced.maxCredits === entry.maxCredits;
    if (isSame && job.owner.session === entry.owner.session) return reservations;
    return replaced(reservations, { ...priced, owner: job.owner });
  }
  return finished(reservations, priced, outcome, now, job.acceptedAt);
}

/** @param chargedAt the moment of an end that is not known to have been charged before: until then it counted for every day */
function finished(reservations: Reservations, entry: Reservation, outcome: Outcome, now: number, chargedAt = now) {
  const day = utcDay(chargedAt);
  const days = outcome === 'free' ? reservations.days : daysWith(reservations, entry, day, 1);
  const slotsChangedAt = entry.slot ? now : reservations.slotsChangedAt;
  const after = replaced(reservations, { ...entry, slot: false, end: { at: now, outcome, day } });
  return { ...after, days, slotsChangedAt };
}

/** The sums with one more ended order (1), or with one less (-1). */
function daysWith({ days }: Reservations, entry: Reservation, day: number, by: 1 | -1): Reservations['days'] {
  const { images, credits } = days[day] ?? { images: 0, credits: 0 };
  const sums = { images: images + by, credits: credits + by * (entry.exactCredits ?? entry.maxCredits) };
  const other = Object.entries(days).filter(([known]) => known !== String(day));
  const newest = other.sort(([one], [two]) => Number(two) - Number(one)).slice(0, DAYS_KEPT - 1);
  return Object.fromEntries([...newest, [day, sums]]);
}

/** The order as if it had never been: nothing was sent. */
export function dropEntry(reservations: Reservations, id: string, now: number): Reservations {
  // One that has got a slot since it was looked at may be on its way to the service.
  const isDropped = (entry: Reservation): boolean => entry.id === id && entry.slotAt === undefined;
  if (!reservations.entries.some(isDropped)) return reservations;
  const entries = reservations.entries.filter((entry) => !isDropped(entry));
  return { ...reservations, entries, slotsChangedAt: now };
}

/** The reservations after the loss of a record: an order that may have left is counted in full, and stays in the way. */
export function loseEntry(reservations: Reservations, id: string, now: number): Reservations {
  const entry = reservations.entries.find((known) => known.id === id && known.end === undefined);
  return entry === undefined ? reservations : finished(reservations, entry, 'unknown', now);
}

/** `free`: it ended without a charge. */
function outcomeOf(job: Job): Outcome | undefined {
  if (job.state === 'unknown') return 'unknown';
  if (!isFinishedRemotely(job)) return undefined;
  if (job.state !== 'failed') return 'picture';
  // Whether the service keeps the price of a job that it ended itself is not documented: it is taken to be spent.
  return job.failure?.creditsSpent === 'no' ? 'free' : 'nothing';
}

function replaced(reservations: Reservations, by: Reservation): Reservations {
  return { ...reservations, entries: reservations.entries.map((known) => (known.id === by.id ? by : known)) };
}

/**
 * A slot (`absent`: nothing is reserved for the order, as none of this day), or how many orders come first, and when
 * the longest-running job was ordered (epoch milliseconds).
 */
export type SlotAnswer = { taken: true; absent?: true } | { taken: false; ahead: number; oldestAt: number | undefined };

type WithSlot = { reservations: Reservations; answer: SlotAnswer };

/** A slot among the plan's jobs at a time. An order that has one, or that nothing is reserved for, takes none. */
export function takeSlot(reservations: Reservations, id: string, limit: number | null, now: number): WithSlot {
  const open = reservations.entries.filter((entry) => entry.end === undefined);
  const own = open.find((entry) => entry.id === id);
  if (own === undefined) return { reservations, answer: { taken: true, absent: true } };
  if (own.slot) return { reservations, answer: { taken: true } };
  const holders = open.filter((entry) => entry.slot);
  // One that released its slot does not wait for another.
  const ahead = open.filter((entry) => !entry.slot && entry.slotAt === undefined && comesBefore(entry, own)).length;
  const free = limit === null ? Number.POSITIVE_INFINITY : limit - holders.length;
  // After so long without a change, whoever comes takes the free one: those whose turn it is may be gone.
  const quiet = Math.abs(now - reservations.slotsChangedAt) > 3_000;
  if (free <= ahead && !(free > 0 && quiet)) {
    const oldestAt = holders.length === 0 ? undefined : Math.min(...holders.map((entry) => entry.at));
    return { reservations, answer: { taken: false, ahead, oldestAt } };
  }
  const taken = replaced(reservations, { ...own, slot: true, slotAt: now });
  return { reservations: { ...taken, slotsChangedAt: now }, answer: { taken: true } };
}

/** A job that is polled no longer releases its slot; its price stays reserved. */
export function releaseSlot(reservations: Reservations, id: string, now: number): Reservations {
  const entry = reservations.entries.find((known) => known.id === id);
  if (entry === undefined || !entry.slot) return reservations;
  return { ...replaced(reservations, { ...entry, slot: false }), slotsChangedAt: now };
}

function comesBefore(one: Reservation, other: Reservation): boolean {
  const earlier = (one.turn ?? 0) - (other.turn ?? 0) || one.at - other.at;
  return earlier < 0 || (earlier === 0 && one.id < other.id);
}

type FingerprintOf = (job: Job) => string;

export function reservationsOfJobs(jobs: readonly Job[], fingerprintOf: FingerprintOf, now: number): Reservations {
  let reservations = emptyReservations(now);
  for (const job of jobs.toSorted((one, other) => one.createdAt - other.createdAt)) {
    reservations = { ...reservations, entries: [...reservations.entries, entryOf(job, fingerprintOf)] };
    reservations = noteJob(reservations, job, job.completedAt ?? job.updatedAt);
  }
  return reservationsAt(reservations, now);
}

/** An order that lives and has no entry (the reservations were lost before it was recorded) gets it back: it is to be paid. */
export function withEntryOf(reservations: Reservations, job: Job, fingerprintOf: FingerprintOf): Reservations {
  if (isFinishedRemotely(job) || job.state === 'unknown' || reservations.entries.some(({ id }) => id === job.id))
    return reservations;
  return { ...reservations, entries: [...reservations.entries, entryOf(job, fingerprintOf)] };
}

function entryOf(job: Job, fingerprintOf: FingerprintOf): Reservation {
  return {
    id: job.id,
    fingerprint: fingerprintOf(job),
    at: job.createdAt,
    owner: job.owner,
    maxCredits: job.credits.max,
    slot: job.state === 'submitting' || job.state === 'processing',
    ...(job.state !== 'queued' && { slotAt: job.createdAt }),
  };
}
