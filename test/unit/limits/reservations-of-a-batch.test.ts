/** Proves that the orders of one call are admitted together, and take turns with other calls. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import {
  admitAll,
  type Candidate,
  emptyReservations,
  noteJob,
  type Reservations,
  type SpendingLimits,
  takeSlot,
  totalsOf,
} from '../../../src/limits/reservations.ts';
import { CREATED_AT, owner, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const NOW = CREATED_AT + 12 * 3_600_000;
const NONE: SpendingLimits = { creditsPerDay: null, imagesPerDay: null, jobsPerDay: null };

const candidate = (id: string, patch: Partial<Candidate> = {}): Candidate => ({
  id,
  fingerprint: id,
  at: NOW,
  owner: owner(1),
  maxCredits: 20,
  allowDuplicate: false,
  ...patch,
});
const batch = (name: string, count: number): Candidate[] =>
  Array.from({ length: count }, (_, n) => candidate(`${name}_${n}`));

function taken(reservations: Reservations, candidates: readonly Candidate[], now = NOW) {
  const decision = admitAll(
    reservations,
    candidates.map((order) => ({ ...order, at: now })),
    NONE,
    now,
  );
  if (decision.type === 'exceeded') throw new Error('over a limit');
  return decision;
}
const jobOf = (id: string, patch: Partial<Job>): Job => sampleJob({ id, createdAt: NOW, updatedAt: NOW, ...patch });

describe('the orders of one call', () => {
  it('are admitted as a whole or not at all', () => {
    const limits = { ...NONE, creditsPerDay: 59 };
    const decision = admitAll(emptyReservations(NOW), batch('a', 3), limits, NOW);
    expect(decision).toMatchObject({ type: 'exceeded', limit: 'creditsPerDay', wanted: { credits: 60, images: 3 } });
    const all = admitAll(emptyReservations(NOW), batch('a', 3), { ...NONE, creditsPerDay: 60, imagesPerDay: 3 }, NOW);
    expect(all.type === 'taken' && totalsOf(all.reservations, NOW)).toMatchObject({ images: 3, reservedCredits: 60 });
    expect(admitAll(emptyReservations(NOW), batch('a', 3), { ...NONE, imagesPerDay: 2 }, NOW).type).toBe('exceeded');
  });

  it('cost nothing more when the call is repeated, even where the limits are reached', () => {
    const { reservations } = taken(emptyReservations(NOW), batch('a', 3));
    const again = batch('b', 3).map((order, n) => ({ ...order, fingerprint: `a_${n}` }));
    const decision = admitAll(reservations, again, { ...NONE, creditsPerDay: 60, imagesPerDay: 3 }, NOW + 1);
    expect(decision).toMatchObject({
      type: 'taken',
      admissions: [0, 1, 2].map((n) => ({ type: 'duplicate', id: `a_${n}` })),
    });
  });

  it('change nothing when nothing is new', () => {
    const { reservations } = taken(emptyReservations(NOW), [candidate('a')]);
    expect(taken(reservations, [candidate('b', { fingerprint: 'a' })]).reservations).toBe(reservations);
  });

  it('are found one by one when the call is repeated: only those that are open, the others among the records', () => {
    const { reservations } = taken(emptyReservations(NOW), batch('a', 4));
    const ended = [
      jobOf('a_0', { state: 'saved' }),
      jobOf('a_1', { state: 'failed', failure: sampleFailure({ creditsSpent: 'maybe' }) }),
      jobOf('a_2', { state: 'failed', failure: sampleFailure({ creditsSpent: 'no' }) }),
    ].reduce((before, job) => noteJob(before, job, NOW), reservations);
    const again = batch('b', 4).map((order, n) => ({ ...order, fingerprint: `a_${n}` }));
    expect(taken(ended, again, NOW + 1).admissions).toEqual([
      ...[1, 2, 3].map(() => ({ type: 'admitted' })),
      { type: 'duplicate', id: 'a_3' },
    ]);
  });
});

describe('slots', () => {
  /** What all get that ask, in whichever order: one answer never depends on who asks first. */
  function takeSlots(before: Reservations, ids: readonly string[], limit: number, now: number) {
    let reservations = before;
    const taken = ids.filter((id) => {
      const { reservations: after, answer } = takeSlot(reservations, id, limit, now);
      reservations = after;
      return answer.taken;
    });
    return { reservations, taken };
  }

  /** The order in which everything that waits gets its slot, one at a time. */
  function served(before: Reservations, ids: readonly string[], rounds: number, now = NOW): [string[], Reservations] {
    let reservations = before;
    const order: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const polled = takeSlots(reservations, ids, 1, now);
      reservations = polled.reservations;
      const next = polled.taken.find((id) => !order.includes(id));
      if (next === undefined) break;
      order.push(next);
      reservations = noteJob(reservations, jobOf(next, { state: 'saved' }), now);
    }
    return [order, reservations];
  }

  it('go to a call for one picture next, however many another call is waiting for', () => {
    const { reservations } = taken(emptyReservations(NOW), batch('a', 6));
    const ids = batch('a', 6).map(({ id }) => id);
    const [first, after] = served(reservations, ids, 3);
    expect(first).toEqual(['a_0', 'a_1', 'a_2']);
    const both = taken(after, [candidate('single')], NOW + 1).reservations;
    const [rest] = served(both, [...ids.slice(3), 'single'], 9, NOW + 1);
    expect(rest).toEqual(['single', 'a_3', 'a_4', 'a_5']);
  });

  it('alternate between two calls for several', () => {
    const one = taken(emptyReservations(NOW), batch('a', 3)).reservations;
    const two = taken(one, batch('b', 3), NOW + 1).reservations;
    const ids = [...batch('a', 3), ...batch('b', 3)].map(({ id }) => id);
    expect(served(two, ids, 9, NOW + 1)[0]).toEqual(['a_0', 'b_0', 'a_1', 'b_1', 'a_2', 'b_2']);
  });

  it('are never more than the limit, and all are used as long as somebody waits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(6), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (sizes, limit) => {
          let reservations = emptyReservations(NOW);
          const ids: string[] = [];
          sizes.forEach((size, n) => {
            const orders = batch(`c${n}`, size + 1);
            reservations = taken(reservations, orders, NOW + n).reservations;
            ids.push(...orders.map(({ id }) => id));
          });
          const { reservations: after, taken: served } = takeSlots(reservations, ids, limit, NOW + 10);
          expect(served).toHaveLength(Math.min(limit, ids.length));
          expect(totalsOf(after, NOW).slotsInUse).toBe(Math.min(limit, ids.length));
          expect(takeSlots(after, ids, limit, NOW + 11).reservations).toBe(after);
        },
      ),
    );
  });
});
