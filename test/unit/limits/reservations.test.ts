/** Proves that the budget is never overshot, that an open equal order is found, and that slots are given in order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import {
  admitAll,
  type Candidate,
  dropEntry,
  emptyReservations,
  noteJob,
  type Reservations,
  releaseSlot,
  reservationsOfJobs,
  type SpendingLimits,
  takeSlot,
  totalsOf,
  utcDay,
  withEntryOf,
} from '../../../src/limits/reservations.ts';
import { CREATED_AT, owner, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const NOW = CREATED_AT + 12 * 3_600_000;
const DAY = 86_400_000;
const NONE: SpendingLimits = { creditsPerDay: null, imagesPerDay: null, jobsPerDay: null };

type Order = { id?: string; fingerprint?: string; maxCredits?: number; pid?: number };

/** The decision on a single order. */
function admit(
  reservations: Reservations,
  order: Omit<Candidate, 'allowDuplicate' | 'at'>,
  limits: SpendingLimits,
  { now, allowDuplicate, foundMs }: { now: number; allowDuplicate: boolean; foundMs?: number },
) {
  const decision = admitAll(reservations, [{ ...order, at: now, allowDuplicate }], limits, now, foundMs);
  if (decision.type === 'exceeded') {
    const { wanted: _, ...rest } = decision;
    return rest;
  }
  const [admission] = decision.admissions;
  if (admission?.type === 'duplicate') return admission;
  return { type: 'admitted' as const, reservations: decision.reservations };
}

function tryOrder(reservations: Reservations, order: Order = {}, limits: Partial<SpendingLimits> = {}, now = NOW) {
  const { id = 'job_1', fingerprint = id, maxCredits = 20, pid = 1 } = order;
  const entry = { id, fingerprint, maxCredits, owner: owner(pid) };
  return admit(reservations, entry, { ...NONE, ...limits }, { now, allowDuplicate: false });
}

function ordered(reservations: Reservations, order: Order = {}, now = NOW): Reservations {
  const decision = tryOrder(reservations, order, {}, now);
  if (decision.type !== 'admitted') throw new Error(`not admitted: ${decision.type}`);
  return decision.reservations;
}

const jobOf = (patch: Partial<Job> = {}): Job => sampleJob({ createdAt: NOW, updatedAt: NOW, ...patch });
const priced = (exact: number | null) => ({ min: 10, max: 20, exact });
const free = sampleFailure({ creditsSpent: 'no' });
const paid = sampleFailure({ creditsSpent: 'maybe' });

describe('an order', () => {
  it('has its highest price reserved as soon as it is admitted', () => {
    const reservations = ordered(emptyReservations(NOW), { maxCredits: 50 });
    expect(totalsOf(reservations, NOW)).toEqual({ images: 1, spentCredits: 0, reservedCredits: 50, slotsInUse: 0 });
  });

  it('is refused when it could take more than is left; what is reserved counts', () => {
    const reservations = ordered(ordered(emptyReservations(NOW), { id: 'a' }), { id: 'b' });
    expect(tryOrder(reservations, { id: 'c' }, { creditsPerDay: 60 }).type).toBe('admitted');
    const totals = { images: 2, spentCredits: 0, reservedCredits: 40, slotsInUse: 0 };
    expect(tryOrder(reservations, { id: 'c' }, { creditsPerDay: 59 })).toEqual({
      type: 'exceeded',
      limit: 'creditsPerDay',
      allowed: 59,
      totals,
    });
    expect(tryOrder(reservations, { id: 'c' }, { imagesPerDay: 2 })).toMatchObject({
      type: 'exceeded',
      limit: 'imagesPerDay',
    });
    expect(tryOrder(reservations, { id: 'c' }, { jobsPerDay: 2 })).toMatchObject({
      type: 'exceeded',
      limit: 'jobsPerDay',
    });
  });

  it('finds no room in a budget of nothing', () => {
    expect(tryOrder(emptyReservations(NOW), {}, { creditsPerDay: 0 }).type).toBe('exceeded');
    expect(tryOrder(emptyReservations(NOW), {}, { imagesPerDay: 0 }).type).toBe('exceeded');
  });

  it('that was never sent is as if it had never been', () => {
    const reservations = ordered(emptyReservations(NOW));
    expect(totalsOf(dropEntry(reservations, 'job_1', NOW), NOW)).toMatchObject({ images: 0, reservedCredits: 0 });
    expect(dropEntry(reservations, 'job_9', NOW)).toBe(reservations);
  });

  it('never takes a day over its budget, whatever happens in whichever order', () => {
    type Step = {
      what: 'order' | 'price' | 'picture' | 'free' | 'nothing' | 'unknown' | 'drop';
      n: number;
      cost: number;
    };
    const steps = fc.array(
      fc.record<Step>({
        what: fc.constantFrom('order', 'order', 'order', 'price', 'picture', 'free', 'nothing', 'unknown', 'drop'),
        n: fc.nat(7),
        cost: fc.integer({ min: 10, max: 50 }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.nat(200), fc.nat(6), (history, creditsPerDay, imagesPerDay) => {
        let reservations = emptyReservations(NOW);
        // What each order may cost at most; what the service takes is never more.
        const max = new Map<string, number>();
        for (const [index, { what, n, cost }] of history.entries()) {
          const now = NOW + index;
          const id = `job_${n}`;
          const most = max.get(id) ?? cost;
          const job = jobOf({ id, credits: { min: 10, max: most, exact: null } });
          const exact = { min: 10, max: most, exact: Math.min(cost, most) };
          if (what === 'order') {
            const decision = tryOrder(reservations, { id, maxCredits: cost }, { creditsPerDay, imagesPerDay }, now);
            if (decision.type === 'admitted') {
              reservations = decision.reservations;
              max.set(id, cost);
            }
          } else if (what === 'drop') reservations = dropEntry(reservations, id, now);
          else if (what === 'price')
            reservations = noteJob(reservations, { ...job, state: 'processing', credits: exact }, now);
          else if (what === 'picture')
            reservations = noteJob(reservations, { ...job, state: 'completed', credits: exact }, now);
          else if (what === 'unknown') reservations = noteJob(reservations, { ...job, state: 'unknown' }, now);
          else
            reservations = noteJob(
              reservations,
              { ...job, state: 'failed', failure: what === 'free' ? free : paid },
              now,
            );
          const { spentCredits, reservedCredits, images } = totalsOf(reservations, NOW);
          expect(spentCredits + reservedCredits).toBeLessThanOrEqual(creditsPerDay);
          expect(images).toBeLessThanOrEqual(imagesPerDay);
          expect(Math.min(spentCredits, reservedCredits, images)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});

describe('the end of an order', () => {
  const reservations = ordered(emptyReservations(NOW));

  it('with a picture takes the exact price, which gives the rest of the reserve free', () => {
    const reported = noteJob(reservations, jobOf({ state: 'processing', credits: priced(12) }), NOW);
    expect(totalsOf(reported, NOW)).toMatchObject({ images: 1, spentCredits: 12, reservedCredits: 0 });
    const ended = noteJob(reported, jobOf({ state: 'completed', credits: priced(12) }), NOW);
    expect(totalsOf(ended, NOW)).toMatchObject({ images: 1, spentCredits: 12, reservedCredits: 0 });
    expect(noteJob(ended, jobOf({ state: 'saved', credits: priced(12) }), NOW)).toBe(ended);
  });

  it('without an exact price takes the highest', () => {
    for (const job of [
      jobOf({ state: 'saved' }),
      jobOf({ state: 'unknown' }),
      jobOf({ state: 'failed', failure: paid }),
    ])
      expect(totalsOf(noteJob(reservations, job, NOW), NOW)).toMatchObject({
        images: 1,
        spentCredits: 20,
        reservedCredits: 0,
      });
  });

  it('by a failure that cost nothing gives everything back', () => {
    const ended = noteJob(reservations, jobOf({ state: 'failed', failure: free }), NOW);
    expect(totalsOf(ended, NOW)).toEqual({ images: 0, spentCredits: 0, reservedCredits: 0, slotsInUse: 0 });
  });

  it('of which nothing is known can still turn out: then the exact price counts, and no equal order finds it among the open ones', () => {
    const unknownCount = noteJob(reservations, jobOf({ state: 'unknown' }), NOW);
    const found = noteJob(unknownCount, jobOf({ state: 'processing', credits: priced(14) }), NOW);
    expect(totalsOf(found, NOW)).toMatchObject({ images: 1, spentCredits: 14, reservedCredits: 0 });
    const ended = noteJob(unknownCount, jobOf({ state: 'completed', credits: priced(14) }), NOW);
    expect(totalsOf(ended, NOW)).toMatchObject({ images: 1, spentCredits: 14 });
    expect(tryOrder(ended, { id: 'job_2', fingerprint: 'job_1' }).type).toBe('admitted');
    const gone = noteJob(unknownCount, jobOf({ state: 'failed', failure: free }), NOW);
    expect(totalsOf(gone, NOW)).toMatchObject({ images: 0, spentCredits: 0 });
  });

  it('is noted once: the same news again change nothing', () => {
    for (const job of [
      jobOf({ state: 'processing' }),
      jobOf({ state: 'processing', credits: priced(12) }),
      jobOf({ state: 'saved', credits: priced(12) }),
      jobOf({ state: 'failed', failure: free }),
      jobOf({ state: 'unknown' }),
    ]) {
      const once = noteJob(reservations, job, NOW);
      expect(noteJob(once, job, NOW + 1)).toBe(once);
    }
    expect(noteJob(reservations, jobOf({ id: 'job_9', state: 'saved' }), NOW)).toBe(reservations);
  });

  it('keeps who resumes it', () => {
    const taken = noteJob(reservations, jobOf({ state: 'submitting', owner: owner(2) }), NOW);
    expect(taken.entries[0]?.owner).toEqual(owner(2));
  });
});

describe('an equal order', () => {
  const reservations = ordered(emptyReservations(NOW), { fingerprint: 'fox' });
  const again = (before: Reservations, now: number, foundMs = DAY) =>
    admit(before, { id: 'job_2', fingerprint: 'fox', maxCredits: 20, owner: owner(1) }, NONE, {
      ...{ now, allowDuplicate: false, foundMs },
    });
  const duplicate = { type: 'duplicate', id: 'job_1' };

  it('is the same order as long as the first is open, for as long as it is to be found', () => {
    for (const after of [0, 3_600_000, DAY - 1]) expect(again(reservations, NOW + after)).toEqual(duplicate);
    expect(again(reservations, NOW + DAY).type).toBe('admitted');
    expect(again(reservations, NOW + 7 * DAY - 1, 7 * DAY)).toEqual(duplicate);
    expect(again(reservations, NOW + 7 * DAY, 7 * DAY).type).toBe('admitted');
  });

  it('is the same order while nothing is known of the first, for as long as it is to be found', () => {
    const unknown = noteJob(reservations, jobOf({ state: 'unknown' }), NOW + 3_600_000);
    expect(again(unknown, NOW + DAY - 1)).toEqual(duplicate);
    expect(again(unknown, NOW + DAY).type).toBe('admitted');
  });

  it('is not found here once the first has ended: the records say what became of it', () => {
    for (const ended of [
      jobOf({ state: 'completed' }),
      jobOf({ state: 'saved' }),
      jobOf({ state: 'failed', failure: free }),
      jobOf({ state: 'failed', failure: paid }),
    ])
      expect(again(noteJob(reservations, ended, NOW), NOW + 1).type).toBe('admitted');
  });

  it('is a picture of its own when that is wanted', () => {
    const entry = { id: 'job_2', fingerprint: 'fox', maxCredits: 20, owner: owner(1) };
    const decision = admit(reservations, entry, NONE, { now: NOW, allowDuplicate: true });
    expect(decision.type === 'admitted' && totalsOf(decision.reservations, NOW).images).toBe(2);
  });

  it('finds the last one when there are several', () => {
    const entry = { id: 'job_2', fingerprint: 'fox', maxCredits: 20, owner: owner(1) };
    const both = admit(reservations, entry, NONE, { now: NOW, allowDuplicate: true });
    if (both.type !== 'admitted') throw new Error('it was not admitted');
    expect(tryOrder(both.reservations, { id: 'job_3', fingerprint: 'fox' })).toEqual({
      type: 'duplicate',
      id: 'job_2',
    });
  });

  it('does not wait for as long as the clock was set back', () => {
    expect(again(reservations, NOW - DAY + 1)).toEqual(duplicate);
    expect(again(reservations, NOW - DAY).type).toBe('admitted');
  });
});

describe('slots', () => {
  function queue(count: number): Reservations {
    let reservations = emptyReservations(NOW);
    for (let n = 1; n <= count; n += 1) reservations = ordered(reservations, { id: `job_${n}` }, NOW + n);
    return reservations;
  }
  const withSlot = (reservations: Reservations, id: string, limit: number | null, now = NOW + 100): Reservations => {
    const decision = takeSlot(reservations, id, limit, now);
    if (!decision.answer.taken) throw new Error(`no slot for ${id}`);
    return decision.reservations;
  };

  it('are given up to the limit, and once to each', () => {
    const one = withSlot(queue(3), 'job_1', 2);
    const two = withSlot(one, 'job_2', 2);
    expect(totalsOf(two, NOW).slotsInUse).toBe(2);
    expect(withSlot(two, 'job_2', 2)).toBe(two);
    expect(takeSlot(two, 'job_3', 2, NOW + 100)).toMatchObject({
      answer: { taken: false, ahead: 0, oldestAt: NOW + 1 },
    });
  });

  it('go to the orders in the order in which they came', () => {
    const paused = withSlot(queue(3), 'job_1', 1);
    expect(takeSlot(paused, 'job_3', 1, NOW + 100)).toMatchObject({ answer: { taken: false, ahead: 1 } });
    const freed = noteJob(paused, jobOf({ state: 'completed' }), NOW + 200);
    expect(takeSlot(freed, 'job_3', 1, NOW + 300)).toMatchObject({
      answer: { taken: false, ahead: 1, oldestAt: undefined },
    });
    const next = withSlot(freed, 'job_2', 1, NOW + 300);
    expect(totalsOf(next, NOW).slotsInUse).toBe(1);
  });

  it('go to whoever comes when the first in line does not come for three seconds', () => {
    const freed = noteJob(withSlot(queue(3), 'job_1', 1), jobOf({ state: 'completed' }), NOW + 200);
    expect(takeSlot(freed, 'job_3', 1, NOW + 3_200).answer.taken).toBe(false);
    expect(takeSlot(freed, 'job_3', 1, NOW + 3_201).answer.taken).toBe(true);
    const setBack = takeSlot(freed, 'job_3', 1, NOW - 3_600_000);
    expect(setBack.answer.taken).toBe(true);
  });

  it('for all leave nobody waiting', () => {
    for (const id of ['job_3', 'job_1']) expect(takeSlot(queue(3), id, null, NOW + 100).answer.taken).toBe(true);
    expect(takeSlot(queue(3), 'job_2', 2, NOW + 100).answer.taken).toBe(true);
  });

  it('are not needed by an order that nothing is reserved for', () => {
    const reservations = withSlot(queue(2), 'job_1', 1);
    expect(takeSlot(reservations, 'job_9', 1, NOW)).toEqual({ reservations, answer: { taken: true, absent: true } });
  });

  it('are free again after every end, and when the job is polled no longer; its price stays reserved then', () => {
    const paused = withSlot(queue(2), 'job_1', 1);
    for (const state of ['completed', 'unknown'] as const)
      expect(totalsOf(noteJob(paused, jobOf({ state }), NOW), NOW).slotsInUse).toBe(0);
    const back = releaseSlot(paused, 'job_1', NOW + 200);
    expect(totalsOf(back, NOW)).toMatchObject({ slotsInUse: 0, reservedCredits: 40 });
    expect(releaseSlot(back, 'job_1', NOW + 300)).toBe(back);
    // It may have been sent meanwhile: only an order without a slot is dropped.
    expect(dropEntry(paused, 'job_1', NOW)).toBe(paused);
  });

  it('are never more than the limit, whoever asks in whichever order', () => {
    const asks = fc.array(fc.tuple(fc.nat(5), fc.boolean(), fc.nat(5_000)), { maxLength: 60 });
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 3 }), (history, limit) => {
        let reservations = queue(6);
        let now = NOW + 100;
        for (const [n, ends, pause] of history) {
          now += pause;
          const id = `job_${n + 1}`;
          if (ends) reservations = noteJob(reservations, jobOf({ id, state: 'completed' }), now);
          else reservations = takeSlot(reservations, id, limit, now).reservations;
          expect(totalsOf(reservations, NOW).slotsInUse).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});

describe('reservations that are made from the records', () => {
  const jobs: readonly Job[] = [
    jobOf({ id: 'newest', state: 'submitting', createdAt: NOW - 1_000 }),
    jobOf({ id: 'running', state: 'processing', createdAt: NOW - 2_000, credits: priced(11) }),
    jobOf({ id: 'waiting', state: 'queued', createdAt: NOW - 3_000, owner: owner(2) }),
    jobOf({ id: 'saved', state: 'saved', createdAt: NOW - 9_000, completedAt: NOW - 5_000, credits: priced(13) }),
    jobOf({ id: 'older', state: 'saved', createdAt: NOW - 900_000, completedAt: NOW - 800_000, credits: priced(17) }),
    jobOf({ id: 'free', state: 'failed', createdAt: NOW - 9_000, completedAt: NOW - 5_000, failure: free }),
    jobOf({ id: 'outcome_unknown', state: 'unknown', createdAt: NOW - 2 * DAY, updatedAt: NOW - 1.9 * DAY }),
    jobOf({ id: 'given_up', state: 'unknown', createdAt: NOW - 3 * DAY, updatedAt: NOW - 2 * DAY }),
    jobOf({ id: 'yesterday', state: 'saved', createdAt: NOW - DAY, completedAt: NOW - DAY, credits: priced(19) }),
    jobOf({ id: 'stuck', state: 'processing', createdAt: NOW - DAY }),
  ];
  const reservations = reservationsOfJobs(jobs, ({ id }) => `print of ${id}`, NOW);

  it('have the totals of today, for which open orders of any day count', () => {
    expect(totalsOf(reservations, NOW)).toEqual({
      images: 6,
      spentCredits: 11 + 13 + 17,
      reservedCredits: 60,
      slotsInUse: 3,
    });
  });

  it('have the sums of the days before', () => {
    expect(reservations.days).toMatchObject({
      [utcDay(NOW) - 1]: { images: 1, credits: 19 },
      [utcDay(NOW) - 2]: { images: 2, credits: 40 },
    });
  });

  it('find equal orders as before: those that are open, and those of unknown outcome', () => {
    const found = (id: string) => {
      const order = { id: 'again', fingerprint: `print of ${id}`, maxCredits: 20, owner: owner(1) };
      return admit(reservations, order, NONE, { now: NOW, allowDuplicate: false, foundMs: 7 * DAY });
    };
    for (const id of ['newest', 'running', 'waiting', 'outcome_unknown', 'stuck'])
      expect(found(id)).toEqual({ type: 'duplicate', id });
    for (const id of ['saved', 'older', 'free', 'yesterday', 'given_up']) expect(found(id).type).toBe('admitted');
  });

  it('are in the order of the orders, so that the last of several equal ones is found', () => {
    const equal = reservationsOfJobs(jobs, () => 'fox', NOW);
    expect(tryOrder(equal, { id: 'again', fingerprint: 'fox' })).toEqual({ type: 'duplicate', id: 'newest' });
  });

  it('are what they were, for orders that are open', () => {
    const kept = ordered(ordered(emptyReservations(NOW), { id: 'a', fingerprint: 'a' }), { id: 'b', fingerprint: 'b' });
    const reported = reservationsOfJobs([jobOf({ id: 'a' }), jobOf({ id: 'b' })], ({ id }) => id, NOW);
    expect(reported.entries).toEqual(kept.entries);
  });
});

describe('an order whose entry was lost', () => {
  it('gets it back when it is sent: it is to be paid', () => {
    const empty = emptyReservations(NOW);
    const job = jobOf({ state: 'submitting' });
    const back = withEntryOf(empty, job, () => 'fox');
    expect(totalsOf(back, NOW)).toMatchObject({ images: 1, reservedCredits: 20, slotsInUse: 1 });
    expect(tryOrder(back, { id: 'job_2', fingerprint: 'fox' })).toEqual({ type: 'duplicate', id: 'job_1' });
    expect(withEntryOf(back, job, () => 'fox')).toBe(back);
  });

  it('does not get it back once it has ended: that was settled, and forgotten', () => {
    for (const state of ['completed', 'saved', 'failed', 'unknown'] as const) {
      const empty = emptyReservations(NOW);
      expect(withEntryOf(empty, jobOf({ state }), () => 'fox')).toBe(empty);
    }
  });
});
