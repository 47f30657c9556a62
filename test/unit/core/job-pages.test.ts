import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idAt } from '../../../src/core/job.ts';
import { openAndRecentJobs, pageOfJobs } from '../../../src/core/job-store.ts';
import { createMemoryJobStore } from '../../support/memory-storage.ts';
import { CREATED_AT, sampleJob } from './sample-jobs.ts';

const idOf = (n: number): string => idAt(CREATED_AT + n * 1_000, String(n).padStart(11, '0'));

describe('the pages of jobs', () => {
  it('give each job once, in whichever order those of one call were recorded', () => {
    const moments = fc.array(fc.nat(5), { maxLength: 30 });
    fc.assert(
      fc.property(moments, fc.integer({ min: 1, max: 7 }), (recordedAt, limit) => {
        const jobs = recordedAt.map((at, n) => sampleJob({ id: idOf(n), createdAt: CREATED_AT + at })).toReversed();
        const seen: string[] = [];
        for (let cursor: string | undefined; ; ) {
          const page = pageOfJobs(jobs, limit, cursor);
          seen.push(...(page?.jobs ?? []).map(({ id }) => id));
          cursor = page?.nextCursor;
          if (cursor === undefined) break;
        }
        expect(seen).toEqual(jobs.map(({ id }) => id));
      }),
    );
  });

  it.each(['', 'made up', '1.job_a', '../job_a'])('are none for %j', (cursor) => {
    expect(pageOfJobs([sampleJob()], 1, cursor)).toBeUndefined();
  });
});

describe('open and recent jobs', () => {
  it('are those that are open, however old, and those since a moment, each once', async () => {
    const store = createMemoryJobStore();
    for (let n = 0; n < 10; n += 1)
      await store.add(
        sampleJob({ id: idOf(n), createdAt: CREATED_AT + n, state: n === 2 || n === 8 ? 'processing' : 'saved' }),
      );
    // Ids of other programs do not tell the time.
    await store.add(sampleJob({ id: 'job_a', createdAt: CREATED_AT, state: 'saved' }));
    await store.add(sampleJob({ id: 'job_b', createdAt: CREATED_AT + 9, state: 'saved' }));
    const found = (await openAndRecentJobs(store, CREATED_AT + 7)).map(({ id }) => id);
    expect(found.toSorted()).toEqual([...[2, 7, 8, 9].map(idOf), 'job_b']);
  });
});
