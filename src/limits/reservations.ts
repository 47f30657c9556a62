/** The orders of all processes with one key: what is reserved and spent, what is repeated, and who has a slot. */
import * as z from 'zod';
import { isFinishedRemotely, type Job } from '../core/job.ts';
import { ownerSchema } from '../core/ports.ts';

/** An equal request this soon after the end of the first is taken for a repeated call, not for a new wish. */
export const DUPLICATE_WINDOW_MS = 120_000;
/** An order of unknown outcome stays in the way of an equal one for so long. */
const UNKNOWN_KEPT_MS = 7 * 24 * 60 * 60_000;

/** One order. Times are epoch milliseconds, amounts credits. */
const reservationSchema = z.object({
  id: z.string(),
  /** Of the request in normal form: equal requests have equal ones. */
  fingerprint: z.string(),
  at: z.number(),
  /** The day that it counts for: the current one when it was made, whatever a clock that is set back says later. */
  day: z.int(),
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
  /** The call that ordered several pictures: they are remembered together, for as long as the last of them. */
  batch: z.exactOptional(z.string()),
  /** Nothing more comes of it; its credits are in the totals by then. */
  end: z.exactOptional(z.object({ at: z.number(), outcome: z.enum(['picture', 'nothing', 'free', 'unknown']) })),
});
export type Reservation = z.infer<typeof reservationSchema>;
type Outcome = NonNullable<Reservation['end']>['outcome'];

export const reservationsSchema = z.object({
  /** Days since the epoch. */
  day: z.int(),
  /** Of ended orders of that day. */
  settled: z.object({ images: z.int(), credits: z.number() }),
  entries: z.array(reservationSchema).readonly(),
  /** When a slot was taken or released last. */
  slotsChangedAt: z.number(),
});
export type Reservations = z.infer<typeof reservationsSchema>;

/** `null` means no limit; `jobsPerDay` is the plan's own. */
export type SpendingLimits = Record<'creditsPerDay' | 'imagesPerDay' | 'jobsPerDay', number | null>;

export type Totals = { images: number; spentCredits: number; reservedCredits: number; slotsInUse: number };

/** An order that asks to be admitted. */
export type Candidate = Pick<Reservation, 'id' | 'fingerprint' | 'owner' | 'maxCredits' | 'batch'> & {
  allowDuplicate: boolean;
};

/** `duplicate`: an equal order is under way, or has just ended. */
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
  return { day: utcDay(now), settled: { images: 0, credits: 0 }, entries: [], slotsChangedAt: now };
}

export const DAY_MS = 24 * 60 * 60_000;
/** The provider's page does not say when its day begins; UTC is taken. */
export const utcDay = (epochMs: number): number => Math.floor(epochMs / DAY_MS);

/** The reservations as of `now`: a new day begins with empty totals, and ended orders are forgotten in time. */
export function reservationsAt(reservations: Reservations, now: number): Reservations {
  const today = utcDay(now);
  // A clock that was set back into the day before must not forget what today has cost; one that was set back by more
  // was wrong before, and its day would not end for as long.
  const day = reservations.day - today > 1 ? today : Math.max(today, reservations.day);
  const remembers = memoryOf(reservations, now);
  const entries = reservations.entries.filter(remembers);
  if (reservations.day === day && entries.length === reservations.entries.length) return reservations;
  const settled = day > reservations.day ? { images: 0, credits: 0 } : reservations.settled;
  return { ...reservations, day, settled, entries };
}

export function totalsOf(reservations: Reservations): Totals {
  const today = reservations.entries.filter((entry) => entry.end === undefined && entry.day >= reservations.day);
  const sum = (amount: (entry: Reservation) => number): number =>
    today.reduce((total, entry) => total + amount(entry), 0);
  return {
    images: reservations.settled.images + today.length,
    spentCredits: reservations.settled.credits + sum((entry) => entry.exactCredits ?? 0),
    reservedCredits: sum((entry) => (entry.exactCredits === undefined ? entry.maxCredits : 0)),
    slotsInUse: reservations.entries.filter((entry) => entry.slot && entry.end === undefined).length,
  };
}

/** Orders that wait to be sent for the first time. */
export function waitingOrders(reservations: Reservations): number {
  return reservations.entries.filter((entry) => entry.end === undefined && entry.slotAt === undefined).length;
}

/**
 * The order that an equal request would only repeat. One that ended without a picture is ordered again, but not by a
 * repeated call for several pictures: that call wants to know what has become of each.
 */
export function duplicateIn(
  reservations: Reservations,
  fingerprint: string,
  now: number,
  forBatch = false,
): Reservation | undefined {
  const remembers = memoryOf(reservations, now);
  const isDuplicate = ({ end, batch }: Reservation): boolean =>
    end?.outcome === 'nothing' ? forBatch && batch !== undefined : end?.outcome !== 'free';
  return reservations.entries.findLast(
    (entry) => entry.fingerprint === fingerprint && isDuplicate(entry) && remembers(entry),
  );
}

/** Reserves the price of all that is new among the candidates, in one step: all of it, or nothing. */
export function admitAll(
  before: Reservations,
  candidates: readonly Candidate[],
  limits: SpendingLimits,
  now: number,
): AdmissionResult {
  const reservations = reservationsAt(before, now);
  const duplicates = candidates.map((order) =>
    order.allowDuplicate ? undefined : duplicateIn(reservations, order.fingerprint, now, order.batch !== undefined),
  );
  const added = candidates.filter((_, index) => duplicates[index] === undefined);
  const totals = totalsOf(reservations);
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
  const entries = added.map(({ allowDuplicate: _, ...order }, index): Reservation => {
    return { ...order, at: now, day: reservations.day, slot: false, ...(index > 0 && { turn: index }) };
  });
  const admissions = duplicates.map(
    (duplicate): Admission => (duplicate ? { type: 'duplicate', id: duplicate.id } : { type: 'admitted' }),
  );
  const known = joined(reservations, candidates, duplicates);
  const isSame = added.length === 0 && known === reservations.entries;
  const after = isSame ? before : { ...reservations, entries: [...known, ...entries] };
  return { type: 'taken', reservations: after, admissions };
}

/** What a repeated call finds is remembered with what it orders now. */
function joined(
  { entries }: Reservations,
  candidates: readonly Candidate[],
  duplicates: readonly (Reservation | undefined)[],
): readonly Reservation[] {
  const batches = new Map(duplicates.map((duplicate, index) => [duplicate?.id, candidates[index]?.batch]));
  const isNew = ({ id, batch }: Reservation): boolean => (batches.get(id) ?? batch) !== batch;
  if (!entries.some(isNew)) return entries;
  return entries.map((entry) => (isNew(entry) ? { ...entry, batch: batches.get(entry.id) ?? entry.id } : entry));
}

/** The reservations after what the record says of its order; the very same ones when that is nothing new. */
export function noteJob(reservations: Reservations, job: Job, now: number): Reservations {
  const entry = reservations.entries.find((known) => known.id === job.id);
  if (entry === undefined) return reservations;
  if (entry.end !== undefined) {
    const isNews = entry.end.outcome === 'unknown' && job.state !== 'unknown';
    return isNews ? noteJob(reopened(reservations, entry), job, now) : reservations;
  }
  const exact = job.credits.exact ?? undefined;
  const priced = exact === undefined ? entry : { ...entry, exactCredits: exact };
  const end = endOf(job);
  if (end === undefined) {
    if (priced.exactCredits === entry.exactCredits && job.owner.session === entry.owner.session) return reservations;
    return replaced(reservations, { ...priced, owner: job.owner });
  }
  return finished(reservations, priced, end, now);
}

function finished(reservations: Reservations, entry: Reservation, outcome: Outcome, now: number): Reservations {
  const settled = outcome === 'free' ? reservations.settled : settledWith(reservations, entry, 1);
  const slotsChangedAt = entry.slot ? now : reservations.slotsChangedAt;
  const after = replaced(reservations, { ...entry, slot: false, end: { at: now, outcome } });
  return { ...after, settled, slotsChangedAt };
}

/** The totals with one more ended order (1), or with one less (-1). Those of an earlier day do not count. */
function settledWith({ day, settled }: Reservations, entry: Reservation, by: 1 | -1): Reservations['settled'] {
  if (entry.day < day) return settled;
  const credits = entry.exactCredits ?? entry.maxCredits;
  return { images: settled.images + by, credits: settled.credits + by * credits };
}

/** The order as if it had never been: nothing was sent. */
export function dropEntry(reservations: Reservations, id: string, now: number): Reservations {
  if (!reservations.entries.some((entry) => entry.id === id)) return reservations;
  return { ...reservations, entries: reservations.entries.filter((entry) => entry.id !== id), slotsChangedAt: now };
}

/** The reservations after the loss of a record: an order that may have left is counted in full, and stays in the way. */
export function loseEntry(reservations: Reservations, id: string, now: number): Reservations {
  const entry = reservations.entries.find((known) => known.id === id);
  if (entry === undefined || entry.end !== undefined) return reservations;
  return finished(reservations, entry, 'unknown', now);
}

/** As it was before it was given up. */
function reopened(reservations: Reservations, entry: Reservation): Reservations {
  const { end: _, ...open } = entry;
  return { ...replaced(reservations, open), settled: settledWith(reservations, entry, -1) };
}

/** `free`: it ended without a charge. */
function endOf(job: Job): Outcome | undefined {
  if (job.state === 'unknown') return 'unknown';
  if (!isFinishedRemotely(job)) return undefined;
  if (job.state !== 'failed') return 'picture';
  // Whether the service keeps the price of a job that it ended itself is not documented: it is taken to be spent.
  return job.failure?.creditsSpent === 'no' ? 'free' : 'nothing';
}

/** Whether an order is still to be known: it is open, or it or another of its call has just ended. */
function memoryOf({ entries }: Reservations, now: number): (entry: Reservation) => boolean {
  const isFresh = ({ end }: Reservation): boolean => {
    const window = end?.outcome === 'unknown' ? UNKNOWN_KEPT_MS : DUPLICATE_WINDOW_MS;
    // A clock that was set back would otherwise keep it for as long as it was set back.
    return end === undefined || Math.abs(now - end.at) < window;
  };
  const batches = new Set(entries.filter(isFresh).map(({ batch }) => batch));
  return (entry) => isFresh(entry) || (entry.batch !== undefined && batches.has(entry.batch));
}

function replaced(reservations: Reservations, by: Reservation): Reservations {
  return { ...reservations, entries: reservations.entries.map((known) => (known.id === by.id ? by : known)) };
}

/**
 * A slot (`absent`: nothing is reserved for the order, as none of this day), or how many orders come first, and when
 * the longest-running job was ordered (epoch milliseconds).
 */
export type SlotAnswer = { taken: true; absent?: true } | { taken: false; ahead: number; oldestAt: number | undefined };

/** A slot among the plan's jobs at a time. An order that has one, or that nothing is reserved for, takes none. */
export function takeSlot(
  reservations: Reservations,
  id: string,
  limit: number | null,
  now: number,
): { reservations: Reservations; answer: SlotAnswer } {
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
    if (utcDay(job.createdAt) < reservations.day && isFinishedRemotely(job)) continue;
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
    day: utcDay(job.createdAt),
    owner: job.owner,
    maxCredits: job.credits.max,
    slot: job.state === 'submitting' || job.state === 'processing',
    ...(job.batch !== undefined && { batch: job.batch }),
    ...(job.state !== 'queued' && { slotAt: job.createdAt }),
  };
}
