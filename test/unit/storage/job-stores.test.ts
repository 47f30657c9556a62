/** The contract of job stores, on each engine: what is kept, how it is changed, and how it is found among many. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dedupeKey } from '../../../src/core/image-request.ts';
import { advance, isSettled, type Job, type JobState } from '../../../src/core/job.ts';
import { idAt } from '../../../src/runtime/system.ts';
import type { JobStore } from '../../../src/core/job-store.ts';
import { changeAtVersion } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { recordsIn } from '../../support/listed-jobs.ts';
import { CREATED_AT, remoteJob, sampleFailure, sampleJob } from '../core/sample-jobs.ts';
import { ENGINES, type Engine } from './engines.ts';

const DAY_MS = 24 * 60 * 60_000;

/** The id of the n-th job: they are ordered in the order of their numbers. */
const idOf = (n: number, stepMs = 1): string => idAt(CREATED_AT + n * stepMs, String(n).padStart(11, '0'));
const id = idOf(0);

async function change(store: JobStore, changed: string, rule: (job: Job) => Job): Promise<void> {
  const target = {
    changed: { type: 'record' as const, name: changed, location: store.location },
    read: async () => (await store.read(changed)) ?? Promise.reject(new Error(`there is no ${changed}`)),
    replace: store.replace,
    creditsSpent: () => 'maybe' as const,
    queue: store.queue?.(changed),
  };
  await changeAtVersion(target, (before) => ({ value: rule(before), result: undefined }), systemClock);
}

const idsOf = (jobs: readonly Job[]): string[] => jobs.map((job) => job.id);

describe.each(ENGINES)('a job store %s', (_, create) => {
  let engine: Engine;
  let one: JobStore;
  let two: JobStore;
  beforeEach(() => {
    engine = create();
    [one, two] = [engine.addProcess().jobs, engine.addProcess().jobs];
  });
  afterEach(() => engine.close());

  it('keeps what another process reads', async () => {
    const job = sampleJob({ id, fileName: 'fox', failure: sampleFailure() });
    await one.add(job);
    expect(await two.find(id)).toEqual(job);
    expect((await two.read(id))?.value).toEqual(job);
  });

  it('removes a record for every process, unless it has changed since it was read', async () => {
    await one.add(sampleJob({ id, remoteId: 'dt_9' }));
    const seen = await two.read(id);
    await change(one, id, (job) => ({ ...job, remoteStatus: 'changed' }));
    expect(seen && (await two.remove(seen))).toBe('conflict');
    expect(await one.find('dt_9')).toMatchObject({ remoteStatus: 'changed' });

    const newest = await two.read(id);
    expect(newest && (await two.remove(newest))).toBe('done');
    for (const store of [one, two, engine.addProcess().jobs]) {
      expect(await store.read(id)).toBeUndefined();
      expect(await store.find('dt_9')).toBeUndefined();
      expect(await store.open()).toEqual([]);
      for await (const job of store.newest()) expect.fail(`${job.id} is still listed`);
    }
    await one.add(sampleJob({ id, remoteId: 'dt_9' }));
    expect((await two.find('dt_9'))?.id).toBe(id);
  });

  it("finds a job by our id and by the service's, ours first", async () => {
    const [first, second] = [idOf(1), idOf(2)];
    await one.add(sampleJob({ id: first, remoteId: second }));
    await one.add(sampleJob({ id: second, remoteId: 'dt_9' }));
    expect((await two.find('dt_9'))?.id).toBe(second);
    expect((await two.find(second))?.id).toBe(second);
    for (const other of ['../job_a', '', 'undefined', 'job_c', idOf(3)]) expect(await two.find(other)).toBeUndefined();
  });

  it('replaces the version that was read, once', async () => {
    await one.add(sampleJob({ id, state: 'submitting' }));
    const [seen, seenByTwo] = [await one.read(id), await two.read(id)];
    if (seen === undefined || seenByTwo === undefined) throw new Error('the record is gone');
    expect(await one.replace(seen, { ...seen.value, remoteStatus: 'first' })).toBe('done');
    expect(await two.replace(seenByTwo, { ...seen.value, remoteStatus: 'second' })).toBe('conflict');
    expect((await two.find(id))?.remoteStatus).toBe('first');
  });

  it('finds an equal order as well whose picture was saved more than a day later, however old it is', async () => {
    const job = sampleJob({ id, state: 'completed' });
    await one.add(job);
    const equal = () => two.equal(dedupeKey(job.request), job.createdAt + 1);
    expect(await equal()).toEqual([]);
    await change(one, id, (before) => ({ ...before, state: 'saved', savedAt: job.createdAt + 3 * DAY_MS }));
    expect(idsOf(await equal())).toEqual([id]);
    expect(idsOf(await two.equal(dedupeKey(job.request), job.createdAt))).toEqual([id]);
    expect(await two.equal(dedupeKey({ ...job.request, prompt: 'another' }), 0)).toEqual([]);
  });

  it('never lets a job go backwards, whatever two processes write at a time', async () => {
    await one.add(sampleJob({ id, state: 'submitting' }));
    const news = [remoteJob('processing'), remoteJob('completed'), remoteJob('processing'), remoteJob('processing')];
    await Promise.all(
      news.map((remote, index) =>
        change(index % 2 === 0 ? one : two, id, (job) => advance(job, { type: 'status_received', remote, at: 1 })),
      ),
    );
    expect((await one.find(id))?.state).toBe('completed');
  });

  it('loses no change of two processes', async () => {
    await one.add(sampleJob({ id, updatedAt: 0 }));
    const counted = async (store: JobStore): Promise<void> => {
      for (let n = 0; n < 20; n += 1) await change(store, id, (job) => ({ ...job, updatedAt: job.updatedAt + 1 }));
    };
    await Promise.all([counted(one), counted(two)]);
    expect((await one.find(id))?.updatedAt).toBe(40);
  });

  it('has nothing where nothing is', async () => {
    expect(await recordsIn(one)).toEqual([]);
    expect(await one.open()).toEqual([]);
    expect(await one.equal('key', 0)).toEqual([]);
    expect(await one.find(id)).toBeUndefined();
  });

  describe('of many records', () => {
    const COUNT = 200;
    const STATES: readonly JobState[] = ['saved', 'failed', 'saved', 'saved', 'processing', 'saved', 'unknown'];
    const requestOf = (n: number) => ({ prompt: `bird ${n % 10}`, width: 1024, height: 1024 });
    /** Ten days, twenty records each. */
    const jobs = Array.from({ length: COUNT }, (_each, n) =>
      sampleJob({
        id: idOf(n, DAY_MS / 20),
        createdAt: CREATED_AT + (n * DAY_MS) / 20,
        request: requestOf(n),
        state: STATES[n % STATES.length] ?? 'saved',
        remoteId: `dt_${n}`,
      }),
    );
    const newestFirst = jobs.toReversed();
    beforeEach(async () => {
      // In another order than that of their ids.
      for (let at = 0; at < COUNT; at += 1) {
        const job = jobs[(at * 77) % COUNT];
        if (job !== undefined) await one.add(job);
      }
    });

    it('gives each once, page by page, while others are added and changed', async () => {
      const seen: string[] = [];
      for (let before: string | undefined; ; ) {
        const page: Job[] = [];
        for await (const job of two.newest(before)) if (page.push(job) === 30) break;
        if (page.length === 0) break;
        seen.push(...idsOf(page));
        before = seen.at(-1);
        await one.add(sampleJob({ id: idOf(COUNT + seen.length, DAY_MS / 20) }));
        await change(one, seen.at(-1) ?? '', (job) => ({ ...job, remoteStatus: 'changed meanwhile' }));
      }
      expect(seen).toEqual(idsOf(newestFirst));
    });

    it('gives the page after one that does not exist', async () => {
      const [first] = await recordsIn(two, `${jobs[100]?.id.slice(0, -1)}z`);
      expect(first?.id).toBe(jobs[100]?.id);
      expect(await recordsIn(two, jobs[0]?.id)).toEqual([]);
    });

    it('lists all, the newest first', async () => {
      expect(await recordsIn(two)).toEqual(newestFirst);
    });

    it('knows those that are open, with and without hints, as they are now', async () => {
      const open = (): string[] => idsOf(newestFirst.filter((job) => !isSettled(job) && !ended.has(job.id)));
      const ended = new Set<string>();
      expect(idsOf(await two.open())).toEqual(open());
      for (const job of jobs.filter(({ state }) => state === 'processing').slice(0, 9)) {
        await change(one, job.id, (before) => ({ ...before, state: 'saved' }));
        ended.add(job.id);
      }
      expect(idsOf(await two.open())).toEqual(open());
      await engine.forgetHints();
      for (const store of [two, engine.addProcess().jobs, two]) expect(idsOf(await store.open())).toEqual(open());
    });

    it('finds equal orders since a moment', async () => {
      const key = dedupeKey(requestOf(3));
      const equal = newestFirst.filter((job) => job.request.prompt === 'bird 3');
      expect(idsOf(await two.equal(key, 0))).toEqual(idsOf(equal));
      const since = equal[4]?.createdAt ?? 0;
      expect(idsOf(await two.equal(key, since))).toEqual(idsOf(equal.slice(0, 5)));
      expect(idsOf(await two.equal(key, since + 1))).toEqual(idsOf(equal.slice(0, 4)));
      expect(await two.equal(dedupeKey({ ...requestOf(3), prompt: 'another bird' }), 0)).toEqual([]);
    });

    it("finds each by the service's id, with and without hints", async () => {
      for (const n of [0, 77, COUNT - 1]) expect((await two.find(`dt_${n}`))?.id).toBe(jobs[n]?.id);
      await engine.forgetHints();
      for (const n of [0, 77, COUNT - 1]) expect((await two.find(`dt_${n}`))?.id).toBe(jobs[n]?.id);
      expect(await two.find(`dt_${COUNT}`)).toBeUndefined();
    });
  });
});
