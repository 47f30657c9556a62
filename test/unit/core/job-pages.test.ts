import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSettled, type Job } from '../../../src/core/job.ts';
import { idAt } from '../../../src/runtime/system.ts';
import { type JobStore, openAndRecentJobs, pageOfJobs } from '../../../src/core/job-store.ts';
import { createMemoryJobStore } from '../../support/memory-storage.ts';
import { CREATED_AT, sampleJob } from './sample-jobs.ts';

const idOf = (n: number): string => idAt(CREATED_AT + n * 1_000, String(n).padStart(11, '0'));

/** How many records were read for it, too. */
function counting(store: JobStore): { store: JobStore; read: () => number } {
  let read = 0;
  async function* newest(before?: string): AsyncGenerator<Job> {
    for await (const job of store.newest(before)) {
      read += 1;
      yield job;
    }
  }
  return { store: { ...store, newest }, read: () => read };
}

describe('the pages of jobs', () => {
  const isSaved = ({ state }: Job): boolean => state === 'saved';
  const isOpen = (job: Job): boolean => !isSettled(job);

  it.each([
    ['all', undefined, false],
    ['saved ones', isSaved, false],
    ['open ones', isOpen, true],
  ])('give each job once that is wanted, and no page is empty but an only one: %s', async (_, isWanted, areOpen) => {
    const moments = fc.array(fc.tuple(fc.nat(5), fc.constantFrom('saved', 'failed', 'processing')), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(moments, fc.integer({ min: 1, max: 7 }), async (recorded, limit) => {
        const store = createMemoryJobStore();
        for (const [n, [at, state]] of recorded.entries())
          await store.add(sampleJob({ id: idOf(n), createdAt: CREATED_AT + at, state }));
        const seen: string[] = [];
        for (let cursor: string | undefined; ; ) {
          const page = await pageOfJobs(store, { limit, cursor, areOpen, ...(isWanted && { isWanted }) });
          seen.push(...(page?.jobs ?? []).map(({ id }) => id));
          cursor = page?.nextCursor;
          if (cursor === undefined) break;
          expect(page?.jobs).toHaveLength(limit);
        }
        const wanted = recorded.flatMap(([, state], n) =>
          (isWanted?.(sampleJob({ state })) ?? true) ? [idOf(n)] : [],
        );
        expect(seen).toEqual(wanted.toReversed());
      }),
    );
  });

  it('end after so many records, and the next page goes on there', async () => {
    const memory = createMemoryJobStore();
    for (let n = 0; n < 25; n += 1) await memory.add(sampleJob({ id: idOf(n), state: n === 3 ? 'failed' : 'saved' }));
    const { store, read } = counting(memory);
    const options = { limit: 5, readAtMost: 10, isWanted: ({ state }: Job) => state === 'failed' };
    const first = await pageOfJobs(store, options);
    expect(first).toEqual({ jobs: [], nextCursor: idOf(15) });
    expect(read()).toBe(11);
    const second = await pageOfJobs(store, { ...options, cursor: first?.nextCursor });
    const third = await pageOfJobs(store, { ...options, cursor: second?.nextCursor });
    expect([second?.jobs, third?.jobs.map(({ id }) => id), third?.nextCursor]).toEqual([[], [idOf(3)], undefined]);
  });

  it('read one record more than they show', async () => {
    const memory = createMemoryJobStore();
    for (let n = 0; n < 25; n += 1) await memory.add(sampleJob({ id: idOf(n) }));
    const { store, read } = counting(memory);
    expect((await pageOfJobs(store, { limit: 20 }))?.jobs).toHaveLength(20);
    expect(read()).toBe(21);
  });

  it('since a moment end there: what is older is not searched', async () => {
    const HOUR = 3_600_000;
    const memory = createMemoryJobStore();
    const at = (n: number): number => CREATED_AT + n * HOUR;
    for (let n = 0; n < 25; n += 1)
      await memory.add(sampleJob({ id: idAt(at(n), String(n).padStart(11, '0')), createdAt: at(n) }));
    // Recorded some time after its id was made, as one that had to wait.
    await memory.add(sampleJob({ id: idAt(at(20) - 59_000, '0'.repeat(11)), createdAt: at(20) + 1_000 }));
    const { store, read } = counting(memory);
    const page = await pageOfJobs(store, { limit: 20, since: at(20) });
    expect(page?.jobs.map(({ createdAt }) => createdAt)).toEqual([24, 23, 22, 21, 20].map(at).concat(at(20) + 1_000));
    expect(page?.nextCursor).toBeUndefined();
    expect(read()).toBe(8);
    const isWanted = (): boolean => false;
    expect(await pageOfJobs(store, { limit: 20, since: at(20), isWanted, readAtMost: 10 })).toEqual({ jobs: [] });
  });

  it.each(['', 'made up', '1.job_a', '../job_a'])('are none for %j', async (cursor) => {
    expect(await pageOfJobs(createMemoryJobStore(), { limit: 1, cursor })).toBeUndefined();
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
