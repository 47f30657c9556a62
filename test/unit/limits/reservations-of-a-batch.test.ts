/** Proves that the orders of one call are admitted together, remembered together, and take turns with other calls. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Account,
  accountAt,
  admitAll,
  type Candidate,
  DUPLICATE_WINDOW_MS,
  emptyAccount,
  noteJob,
  type SpendingLimits,
  totalsOf,
} from '../../../src/limits/reservations.ts';
import { takePlace, takePlaces } from '../../../src/limits/slots.ts';
import type { Job } from '../../../src/core/job.ts';
import { CREATED_AT, owner, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const NOW = CREATED_AT + 12 * 3_600_000;
const NONE: SpendingLimits = { creditsPerDay: null, imagesPerDay: null, jobsPerDay: null };

const candidate = (id: string, patch: Partial<Candidate> = {}): Candidate => ({
  id,
  fingerprint: id,
  owner: owner(1),
  maxCredits: 20,
  allowDuplicate: false,
  ...patch,
});
const batch = (name: string, count: number): Candidate[] =>
  Array.from({ length: count }, (_, n) => candidate(`${name}_${n}`, { batch: name }));

function taken(account: Account, candidates: readonly Candidate[], now = NOW) {
  const verdict = admitAll(account, candidates, NONE, now);
  if (verdict.type === 'over') throw new Error('over a limit');
  return verdict;
}
const jobOf = (id: string, patch: Partial<Job>): Job => sampleJob({ id, createdAt: NOW, updatedAt: NOW, ...patch });

describe('the orders of one call', () => {
  it('are admitted as a whole or not at all', () => {
    const limits = { ...NONE, creditsPerDay: 59 };
    const verdict = admitAll(emptyAccount(NOW), batch('a', 3), limits, NOW);
    expect(verdict).toMatchObject({ type: 'over', limit: 'creditsPerDay', wanted: { credits: 60, images: 3 } });
    const all = admitAll(emptyAccount(NOW), batch('a', 3), { ...NONE, creditsPerDay: 60, imagesPerDay: 3 }, NOW);
    expect(all.type === 'taken' && totalsOf(all.account)).toMatchObject({ images: 3, reservedCredits: 60 });
    expect(admitAll(emptyAccount(NOW), batch('a', 3), { ...NONE, imagesPerDay: 2 }, NOW).type).toBe('over');
  });

  it('cost nothing more when the call is repeated, even where the limits are reached', () => {
    const { account } = taken(emptyAccount(NOW), batch('a', 3));
    const again = batch('b', 3).map((order, n) => ({ ...order, fingerprint: `a_${n}` }));
    const verdict = admitAll(account, again, { ...NONE, creditsPerDay: 60, imagesPerDay: 3 }, NOW + 1);
    expect(verdict).toMatchObject({
      type: 'taken',
      admissions: [0, 1, 2].map((n) => ({ type: 'duplicate', id: `a_${n}` })),
    });
  });

  it('change nothing when nothing is new and no call is remembered anew', () => {
    const { account } = taken(emptyAccount(NOW), [candidate('a')]);
    expect(taken(account, [candidate('b', { fingerprint: 'a' })]).account).toBe(account);
  });
});

describe('the memory of a call for several pictures', () => {
  const failure = sampleFailure({ creditsSpent: 'maybe' });
  const half = (): Account => {
    const { account } = taken(emptyAccount(NOW), batch('a', 3));
    return noteJob(
      noteJob(account, jobOf('a_0', { state: 'saved' }), NOW),
      jobOf('a_1', { state: 'failed', failure }),
      NOW,
    );
  };
  const HOUR = 3_600_000;
  const repeated = (account: Account, now: number) =>
    taken(
      account,
      batch('b', 3).map((order, n) => ({ ...order, fingerprint: `a_${n}` })),
      now,
    ).admissions.map((admission) => (admission.type === 'duplicate' ? admission.id : 'new'));

  it('lasts as long as the last of them, and two minutes more', () => {
    expect(repeated(half(), NOW + HOUR)).toEqual(['a_0', 'a_1', 'a_2']);
    const ended = noteJob(half(), jobOf('a_2', { state: 'saved' }), NOW + HOUR);
    expect(repeated(ended, NOW + HOUR + DUPLICATE_WINDOW_MS - 1)).toEqual(['a_0', 'a_1', 'a_2']);
    expect(repeated(ended, NOW + HOUR + DUPLICATE_WINDOW_MS)).toEqual(['new', 'new', 'new']);
    expect(accountAt(ended, NOW + HOUR + DUPLICATE_WINDOW_MS).entries).toEqual([]);
  });

  it('goes on with the repeated call and what that one orders anew', () => {
    const more = batch('b', 4).map((order, n) => ({ ...order, fingerprint: `a_${n}` }));
    const { account } = taken(half(), more, NOW + HOUR);
    const ended = noteJob(account, jobOf('a_2', { state: 'saved' }), NOW + HOUR);
    // The fourth is open still.
    expect(repeated(ended, NOW + 3 * HOUR)).toEqual(['a_0', 'a_1', 'a_2']);
  });

  it('tells of one that failed and was paid for; a call for one picture orders it anew', () => {
    const single = taken(half(), [candidate('c', { fingerprint: 'a_1' })], NOW + 1);
    expect(single.admissions).toEqual([{ type: 'admitted' }]);
  });

  it('orders anew what failed without a charge', () => {
    const free = sampleFailure({ creditsSpent: 'no' });
    const { account } = taken(emptyAccount(NOW), batch('a', 2));
    const failed = noteJob(account, jobOf('a_0', { state: 'failed', failure: free }), NOW);
    const again = batch('b', 2).map((order, n) => ({ ...order, fingerprint: `a_${n}` }));
    expect(taken(failed, again, NOW + 1).admissions).toEqual([{ type: 'admitted' }, { type: 'duplicate', id: 'a_1' }]);
  });
});

describe('places', () => {
  /** The order in which everything that waits gets its place, one at a time. */
  function served(before: Account, ids: readonly string[], rounds: number, now = NOW): [string[], Account] {
    let account = before;
    const order: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const looked = takePlaces(account, ids, 1, now);
      account = looked.account;
      const next = [...looked.answers].find(([id, { taken: has }]) => has && !order.includes(id))?.[0];
      if (next === undefined) break;
      order.push(next);
      account = noteJob(account, jobOf(next, { state: 'saved' }), now);
    }
    return [order, account];
  }

  it('go to a call for one picture next, however many another call is waiting for', () => {
    const { account } = taken(emptyAccount(NOW), batch('a', 6));
    const ids = batch('a', 6).map(({ id }) => id);
    const [first, after] = served(account, ids, 3);
    expect(first).toEqual(['a_0', 'a_1', 'a_2']);
    const both = taken(after, [candidate('single')], NOW + 1).account;
    const [rest] = served(both, [...ids.slice(3), 'single'], 9, NOW + 1);
    expect(rest).toEqual(['single', 'a_3', 'a_4', 'a_5']);
  });

  it('alternate between two calls for several', () => {
    const one = taken(emptyAccount(NOW), batch('a', 3)).account;
    const two = taken(one, batch('b', 3), NOW + 1).account;
    const ids = [...batch('a', 3), ...batch('b', 3)].map(({ id }) => id);
    expect(served(two, ids, 9, NOW + 1)[0]).toEqual(['a_0', 'b_0', 'a_1', 'b_1', 'a_2', 'b_2']);
  });

  it('are never more than the limit, and all are used as long as somebody waits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(6), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (sizes, limit) => {
          let account = emptyAccount(NOW);
          const ids: string[] = [];
          sizes.forEach((size, n) => {
            const orders = batch(`c${n}`, size + 1);
            account = taken(account, orders, NOW + n).account;
            ids.push(...orders.map(({ id }) => id));
          });
          const { account: after, answers } = takePlaces(account, ids, limit, NOW + 10);
          expect([...answers.values()].filter(({ taken: has }) => has)).toHaveLength(Math.min(limit, ids.length));
          expect(totalsOf(after).placesInUse).toBe(Math.min(limit, ids.length));
          expect(takePlaces(after, ids, limit, NOW + 11).account).toBe(after);
        },
      ),
    );
  });

  it('come by the look for one as by the look for all', () => {
    const { account } = taken(emptyAccount(NOW), batch('a', 3));
    expect(takePlace(account, 'a_1', 1, NOW)).toMatchObject({ type: 'full', ahead: 1 });
    expect(takePlaces(account, ['a_2', 'a_0', 'a_1'], 2, NOW).answers.get('a_2')).toMatchObject({ taken: false });
  });
});
