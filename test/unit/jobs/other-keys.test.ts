/** Proves that jobs of an earlier key are in the way of equal orders, and are taken over once and without a new order. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import type { JobStore } from '../../../src/core/job-store.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { createMemoryJobStore } from '../../support/memory-storage.ts';
import { owner, sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, REQUEST } from './fakes.ts';

const HOUR = 60 * 60_000;

let bench: Bench;
/** The records of an earlier key of the service, and those of another service. */
let earlier: JobStore;
let elsewhere: JobStore;
/** Numbers of the processes that are at work with other keys. */
let atWork: Set<number>;
let unreadable: boolean;
beforeEach(() => {
  [earlier, elsewhere] = [createMemoryJobStore(), createMemoryJobStore()];
  atWork = new Set();
  unreadable = false;
  const failing = { open: earlier.open, equal: earlier.equal };
  earlier.open = async () => (unreadable ? Promise.reject(new Error('EACCES')) : failing.open());
  earlier.equal = async (...args) => (unreadable ? Promise.reject(new Error('EACCES')) : failing.equal(...args));
  const liveness = { stateOf: async ({ pid }: { pid: number }) => (atWork.has(pid) ? 'alive' : 'silent') } as const;
  bench = createBench({
    others: [
      { store: earlier, liveness, isSameService: true },
      { store: elsewhere, liveness, isSameService: false },
    ],
  });
});
afterEach(() => bench.jobs.close());

async function left(store: JobStore, patch: Partial<Job>): Promise<Job> {
  const now = bench.clock.now();
  const known = { request: REQUEST, createdAt: now, updatedAt: now, owner: owner(7), remoteId: 'dt_1', ...patch };
  const job = sampleJob(known);
  await store.add(job);
  return job;
}
async function recordsIn(store: JobStore): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const job of store.newest()) jobs.push(job);
  return jobs;
}
const order = (options = {}) => bench.order(REQUEST, options);
const sent = () => bench.provider.submitted;
const totals = async () => totalsOf((await bench.limits.state()).reservations, bench.clock.now());
async function adopt() {
  const [adopted] = await Promise.all([bench.jobs.otherKeys.adopt(), bench.clock.advance(20_000)]);
  return adopted;
}

describe('an order equal to an unfinished one of another key', () => {
  const REFUSED = { failure: { kind: 'not_confirmed', creditsSpent: 'no', reason: { ids: ['job_9'], isEqual: true } } };

  it.each(['submitting', 'processing', 'completed', 'unknown'] as const)(
    'is refused while that may be charged, and placed where another picture is wanted: %s',
    async (state) => {
      await left(earlier, { id: 'job_9', state });
      await expect(order()).rejects.toMatchObject(REFUSED);
      expect(sent()).toEqual([]);
      expect(await totals()).toMatchObject({ images: 0, reservedCredits: 0 });
      await order({ allowDuplicate: true });
      await bench.clock.advance(1_000);
      expect(sent()).toHaveLength(1);
    },
  );

  it('is refused for one of another service as well, which nobody can take over', async () => {
    await left(elsewhere, { id: 'job_9', state: 'unknown' });
    await expect(order()).rejects.toMatchObject({ failure: { reason: { ids: ['job_9'], isAdoptable: false } } });
    expect(await adopt()).toEqual({ adopted: [], busy: [] });
    expect(await recordsIn(elsewhere)).toHaveLength(1);
  });

  it('is refused for one that was not sent only while its process lives', async () => {
    await left(earlier, { id: 'job_9', state: 'queued' });
    atWork.add(7);
    await expect(order()).rejects.toMatchObject(REFUSED);
    atWork.clear();
    expect((await order()).duplicate).toBe(false);
  });

  it.each<[string, Partial<Job>]>([
    ['that has its picture', { state: 'saved' }],
    ['that failed', { state: 'failed' }],
    ['for another picture', { state: 'processing', request: { ...REQUEST, prompt: 'a vixen' } }],
  ])('is placed next to one %s', async (_, patch) => {
    await left(earlier, { id: 'job_9', ...patch });
    expect((await order()).duplicate).toBe(false);
  });

  it('is placed a day later, as with the same key', async () => {
    await left(earlier, { id: 'job_9', state: 'unknown', createdAt: bench.clock.now() - 24 * HOUR });
    expect((await order()).duplicate).toBe(false);
  });

  it('keeps a call for several pictures from ordering any of them', async () => {
    await left(earlier, { id: 'job_9', state: 'processing' });
    const batch = bench.orderAll([{ request: { ...REQUEST, prompt: 'a vixen' } }, { request: REQUEST }]);
    await expect(batch).rejects.toMatchObject(REFUSED);
    expect(sent()).toEqual([]);
  });

  it('is placed where the records of the other key cannot be read', async () => {
    await left(earlier, { id: 'job_9', state: 'processing' });
    unreadable = true;
    expect((await order()).duplicate).toBe(false);
    expect(await bench.jobs.otherKeys.unfinished()).toBeUndefined();
  });
});

describe('taking over', () => {
  it('brings the picture of what the service has, without a new order', async () => {
    const job = await left(earlier, { id: 'job_9', state: 'processing', idempotencyKey: 'key-of-before' });
    expect(await adopt()).toMatchObject({ adopted: [{ id: 'job_9' }], busy: [] });
    expect(await recordsIn(earlier)).toEqual([]);
    expect(await bench.recorded('job_9')).toEqual({ ...job, owner: owner(1), otherKey: true });
    expect(await totals()).toMatchObject({ images: 1, reservedCredits: 20 });

    expect(await order()).toMatchObject({ duplicate: true, job: { id: 'job_9' } });
    await bench.clock.advance(30_000);
    expect((await bench.recorded('job_9')).state).toBe('saved');
    expect(sent()).toEqual([]);
    expect(await totals()).toMatchObject({ images: 1, spentCredits: 12, reservedCredits: 0 });
  });

  it.each(['submitting', 'unknown'] as const)(
    'sends nothing again, whoever asks: with this key it could be a new order: %s',
    async (state) => {
      await left(earlier, { id: 'job_9', state, idempotencyKey: 'key-of-before' });
      await adopt();
      const failure = { reason: { code: 'other_key' }, creditsSpent: 'maybe', retry: 'no' };
      const unknown = { state: 'unknown', idempotencyKey: 'key-of-before', failure };
      expect(await order()).toMatchObject({ duplicate: true, job: unknown });
      await bench.jobs.resumeAll();
      await bench.jobs.check('job_9');
      bench.jobs.watch();
      await bench.clock.advance(2 * HOUR);
      expect(await bench.recorded('job_9')).toMatchObject(unknown);
      expect(sent()).toEqual([]);
      // It may have been charged.
      expect(await totals()).toMatchObject({ images: 1, spentCredits: 20 });
    },
  );

  it('leaves what was never sent where it is', async () => {
    await left(earlier, { id: 'job_9', state: 'queued' });
    expect(await adopt()).toEqual({ adopted: [], busy: [] });
    expect((await recordsIn(earlier)).map(({ state }) => state)).toEqual(['queued']);
  });

  it('leaves all jobs of a key alone with which a process is at work, until it has ended', async () => {
    await left(earlier, { id: 'job_8', state: 'processing', owner: owner(8) });
    await left(earlier, { id: 'job_9', state: 'submitting' });
    atWork.add(7);
    expect(await adopt()).toMatchObject({ adopted: [], busy: [{ id: 'job_9' }, { id: 'job_8' }] });
    expect(await recordsIn(earlier)).toHaveLength(2);
    expect(await recordsIn(bench.jobStore)).toEqual([]);
    atWork.clear();
    expect((await adopt()).adopted.map(({ id }) => id)).toEqual(['job_9', 'job_8']);
  });

  it('waits for the proof that the process of before is gone', async () => {
    await left(earlier, { id: 'job_9', state: 'processing' });
    atWork.add(7);
    const adopted = bench.jobs.otherKeys.adopt();
    await bench.clock.advance(10_000);
    atWork.clear();
    await bench.clock.advance(1_000);
    expect((await adopted).adopted).toHaveLength(1);
  });

  it('goes on where it was stopped: a copy is made once, and what became of it since is kept', async () => {
    await left(earlier, { id: 'job_9', state: 'processing' });
    const { remove } = earlier;
    earlier.remove = () => Promise.reject(new Error('the machine has crashed'));
    await expect(adopt()).rejects.toThrow('crashed');
    earlier.remove = remove;
    // Both have it, and the servers of this key fetch its picture.
    await bench.jobs.check('job_9');
    await bench.clock.advance(30_000);
    expect((await bench.recorded('job_9')).state).toBe('saved');

    await adopt();
    expect((await bench.recorded('job_9')).state).toBe('saved');
    expect(await recordsIn(earlier)).toEqual([]);
    expect(await totals()).toMatchObject({ images: 1, spentCredits: 12 });
    expect(await adopt()).toEqual({ adopted: [], busy: [] });
  });

  it('of a record that cannot be copied leaves it with the earlier key', async () => {
    await left(earlier, { id: 'job_9', state: 'processing' });
    bench.jobStore.add = () => Promise.reject(new Error('the disk is full'));
    await expect(adopt()).rejects.toThrow('full');
    expect(await recordsIn(earlier)).toHaveLength(1);
  });
});
