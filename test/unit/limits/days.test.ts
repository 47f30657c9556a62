/** Proves that what a day has cost is known in that day alone, whatever the clock does, and that no day is charged more than its budget. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import {
  admitAll,
  emptyReservations,
  loseEntry,
  noteJob,
  type Reservations,
  reservationsAt,
  takeSlot,
  totalsOf,
  utcDay,
} from '../../../src/limits/reservations.ts';
import { CREATED_AT, owner, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = CREATED_AT + 12 * HOUR;
const MIDNIGHT = CREATED_AT + DAY;
/** What a machine without a battery shows until it has asked for the time. */
const IN_1970 = 5 * 60_000;

/** The order of 20 credits at most, admitted; `undefined` where it would take the day over its budget. */
function tried(before: Reservations, id: string, now: number, creditsPerDay: number | null = null) {
  const candidate = { id, fingerprint: id, at: now, owner: owner(), maxCredits: 20, allowDuplicate: false };
  const decision = admitAll(before, [candidate], { creditsPerDay, imagesPerDay: null, jobsPerDay: null }, now);
  return decision.type === 'taken' ? decision.reservations : undefined;
}

function ordered(before: Reservations, id: string, now: number): Reservations {
  const after = tried(before, id, now);
  if (after === undefined) throw new Error('it was not admitted');
  return after;
}

const jobOf = (id: string, patch: Partial<Job>): Job =>
  sampleJob({ id, createdAt: NOON, updatedAt: NOON, credits: { min: 10, max: 20, exact: 12 }, ...patch });

/** Ordered, taken by the service and saved at that moment, for 12 credits. */
const paid = (before: Reservations, id: string, now: number): Reservations =>
  noteJob(ordered(before, id, now), jobOf(id, { state: 'saved', acceptedAt: now, completedAt: now }), now);

describe('the sums of a day', () => {
  it('are empty when a day begins at midnight UTC', () => {
    const spent = paid(emptyReservations(NOON), 'a', NOON);
    expect(totalsOf(spent, MIDNIGHT - 1)).toMatchObject({ images: 1, spentCredits: 12 });
    expect(totalsOf(spent, MIDNIGHT)).toMatchObject({ images: 0, spentCredits: 0 });
    expect(tried(spent, 'b', MIDNIGHT - 1, 31)).toBeUndefined();
    expect(tried(spent, 'b', MIDNIGHT, 20)).toBeDefined();
  });

  it('are there again when a clock that is set back enters the day again', () => {
    const both = paid(paid(emptyReservations(NOON), 'a', NOON), 'b', MIDNIGHT);
    expect(totalsOf(both, MIDNIGHT)).toMatchObject({ images: 1, spentCredits: 12 });
    const again = paid(both, 'c', MIDNIGHT - 1);
    expect(totalsOf(again, MIDNIGHT - 1)).toMatchObject({ images: 2, spentCredits: 24 });
    expect(totalsOf(again, MIDNIGHT)).toMatchObject({ images: 1, spentCredits: 12 });
  });

  it('are not forgotten for an order at a time when the clock shows 1970', () => {
    let reservations = emptyReservations(NOON);
    for (const id of ['a', 'b', 'c']) reservations = paid(reservations, id, NOON);
    const wrong = paid(reservationsAt(reservations, IN_1970), 'd', IN_1970);
    expect(totalsOf(wrong, IN_1970)).toMatchObject({ images: 1, spentCredits: 12 });
    const right = reservationsAt(wrong, NOON + HOUR);
    expect(totalsOf(right, NOON + HOUR)).toMatchObject({ images: 3, spentCredits: 36 });
    expect(tried(right, 'e', NOON + HOUR, 55)).toBeUndefined();
    expect(tried(right, 'e', NOON + HOUR, 56)).toBeDefined();
  });

  it('are not taken up by a day that a wrong clock showed', () => {
    const wrong = paid(emptyReservations(NOON), 'far', NOON + 365 * DAY);
    expect(totalsOf(wrong, NOON)).toMatchObject({ images: 0, spentCredits: 0 });
    expect(totalsOf(wrong, NOON + 365 * DAY)).toMatchObject({ images: 1, spentCredits: 12 });
  });

  it('are kept for the day at hand and the newest others, at most sixteen', () => {
    let reservations = emptyReservations(NOON);
    for (let day = 0; day < 20; day += 1) reservations = paid(reservations, `job_${day}`, NOON + day * DAY);
    expect(
      Object.keys(reservations.days)
        .map(Number)
        .toSorted((one, other) => one - other),
    ).toEqual(Array.from({ length: 16 }, (_, n) => utcDay(NOON) + 4 + n));
    const wrong = paid(reservations, 'old', IN_1970);
    expect(Object.keys(wrong.days)).toHaveLength(16);
    expect(totalsOf(wrong, IN_1970)).toMatchObject({ images: 1, spentCredits: 12 });
    expect(totalsOf(wrong, NOON + 19 * DAY)).toMatchObject({ images: 1, spentCredits: 12 });
  });
});

describe('an order over midnight', () => {
  const before = takeSlot(ordered(emptyReservations(NOON), 'a', MIDNIGHT - 60_000), 'a', 1, MIDNIGHT - 50_000);
  const { reservations } = before;

  it('counts for both days while it is open, and has its slot', () => {
    for (const now of [MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + HOUR])
      expect(totalsOf(reservations, now)).toEqual({ images: 1, spentCredits: 0, reservedCredits: 20, slotsInUse: 1 });
    expect(tried(reservations, 'b', MIDNIGHT + HOUR, 39)).toBeUndefined();
    expect(tried(reservations, 'b', MIDNIGHT + HOUR, 40)).toBeDefined();
  });

  it.each([
    ['the first', MIDNIGHT - 40_000, [1, 0]],
    ['the second', MIDNIGHT + 40_000, [0, 1]],
  ] as const)('counts for %s once it has ended, if the service took it then', (_, acceptedAt, images) => {
    const taken = noteJob(reservations, jobOf('a', { state: 'processing', acceptedAt }), MIDNIGHT + 50_000);
    const ended = noteJob(taken, jobOf('a', { state: 'saved', acceptedAt }), MIDNIGHT + 60_000);
    expect([MIDNIGHT - 1, MIDNIGHT].map((now) => totalsOf(ended, now).images)).toEqual(images);
    expect(totalsOf(ended, MIDNIGHT)).toMatchObject({ reservedCredits: 0, slotsInUse: 0 });
  });

  it('counts in full for the day on which it is given up, since it may have been charged until then', () => {
    const job = jobOf('a', { state: 'unknown', credits: { min: 10, max: 20, exact: null } });
    for (const given of [noteJob(reservations, job, MIDNIGHT + HOUR), loseEntry(reservations, 'a', MIDNIGHT + HOUR)])
      expect([MIDNIGHT - 1, MIDNIGHT].map((now) => totalsOf(given, now).spentCredits)).toEqual([0, 20]);
  });

  it('that was given up and turns out counts for the day on which the service took it', () => {
    const unknown = noteJob(reservations, jobOf('a', { state: 'unknown' }), MIDNIGHT + HOUR);
    const found = noteJob(unknown, jobOf('a', { state: 'completed', acceptedAt: MIDNIGHT - 1 }), MIDNIGHT + 2 * HOUR);
    expect([MIDNIGHT - 1, MIDNIGHT].map((now) => totalsOf(found, now).spentCredits)).toEqual([12, 0]);
    const free = noteJob(
      unknown,
      jobOf('a', { state: 'failed', failure: sampleFailure({ creditsSpent: 'no' }) }),
      MIDNIGHT + 2 * HOUR,
    );
    expect([MIDNIGHT - 1, MIDNIGHT].map((now) => totalsOf(free, now).images)).toEqual([0, 0]);
  });
});

describe('the service', () => {
  type Step = { what: 'order' | 'slot' | 'charge' | 'answer' | 'end' | 'give up'; n: number; passed: number };
  const steps = fc.array(
    fc.record<Step>({
      what: fc.constantFrom('order', 'order', 'slot', 'charge', 'charge', 'answer', 'end', 'give up'),
      n: fc.nat(3),
      passed: fc.constantFrom(1_000, 60_000, 40 * 60_000),
    }),
    { minLength: 12, maxLength: 80 },
  );

  it('never charges more in a day than its budget, whenever it charges and answers', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 20, max: 60 }), (history, creditsPerDay) => {
        let reservations = emptyReservations(NOON);
        let now = MIDNIGHT - HOUR;
        const open = new Map<string, { charged: boolean; acceptedAt?: number }>();
        const charged = new Map<number, number>();
        for (const [index, { what, n, passed }] of history.entries()) {
          now += passed;
          reservations = reservationsAt(reservations, now);
          const id = [...open.keys()][n % Math.max(1, open.size)] ?? '';
          const order = open.get(id);
          if (what === 'order') {
            const after = tried(reservations, `job_${index}`, now, creditsPerDay);
            if (after !== undefined) open.set(`job_${index}`, { charged: false });
            reservations = after ?? reservations;
          } else if (order === undefined) continue;
          else if (what === 'slot') reservations = takeSlot(reservations, id, null, now).reservations;
          else if (what === 'charge' && !order.charged) {
            order.charged = true;
            charged.set(utcDay(now), (charged.get(utcDay(now)) ?? 0) + 20);
          } else if (what === 'answer' && order.charged) {
            order.acceptedAt ??= now;
            reservations = noteJob(
              reservations,
              jobOf(id, {
                state: 'processing',
                acceptedAt: order.acceptedAt,
                credits: { min: 10, max: 20, exact: 20 },
              }),
              now,
            );
          } else if (what === 'end' && order.acceptedAt !== undefined) {
            open.delete(id);
            reservations = noteJob(
              reservations,
              jobOf(id, { state: 'completed', acceptedAt: order.acceptedAt, credits: { min: 10, max: 20, exact: 20 } }),
              now,
            );
          } else if (what === 'give up' && order.acceptedAt === undefined) {
            open.delete(id);
            const credits = { min: 10, max: 20, exact: null };
            reservations = noteJob(reservations, jobOf(id, { state: 'unknown', credits }), now);
          }
          expect(Math.max(0, ...charged.values())).toBeLessThanOrEqual(creditsPerDay);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('reservations', () => {
  it('are the very same when nothing is to be forgotten', () => {
    const spent = paid(emptyReservations(NOON), 'a', NOON);
    expect(reservationsAt(spent, NOON + 1)).toBe(spent);
  });

  it('forget an order ten minutes after it has ended, and its sums remain', () => {
    const spent = paid(emptyReservations(NOON), 'a', NOON);
    expect(reservationsAt(spent, NOON + 10 * 60_000 - 1).entries).toHaveLength(1);
    const later = reservationsAt(spent, NOON + 10 * 60_000);
    expect(later.entries).toEqual([]);
    expect(totalsOf(later, NOON + HOUR)).toMatchObject({ images: 1, spentCredits: 12 });
  });

  it('forget one of unknown outcome two days after it was given up', () => {
    const unknown = noteJob(ordered(emptyReservations(NOON), 'a', NOON), jobOf('a', { state: 'unknown' }), NOON);
    expect(reservationsAt(unknown, NOON + 2 * DAY - 1).entries).toHaveLength(1);
    expect(reservationsAt(unknown, NOON + 2 * DAY).entries).toEqual([]);
  });
});
