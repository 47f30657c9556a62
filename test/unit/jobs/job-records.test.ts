/** Proves that changes of one job never overtake each other, and that those who wait are woken after the record. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import type { StoredJob } from '../../../src/core/job-store.ts';
import type { Replacement } from '../../../src/core/shared-value.ts';
import { JobRecords } from '../../../src/jobs/job-records.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { owner, remoteJob, sampleFailure, sampleJob } from '../core/sample-jobs.ts';
import { RecordingJobStore } from './fakes.ts';

/** Each write takes longer than the one after it. */
class SlowJobStore extends RecordingJobStore {
  #turns = 6;

  override async replace(seen: StoredJob, job: Job): Promise<Replacement> {
    this.#turns = Math.max(0, this.#turns - 2);
    for (let turn = 0; turn < this.#turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return super.replace(seen, job);
  }
}

let store: SlowJobStore;
let records: JobRecords;
/** The states that the limits have noted. */
let noted: string[];
beforeEach(async () => {
  store = new SlowJobStore();
  noted = [];
  records = new JobRecords(store, { note: async ({ state }) => void noted.push(state) }, createManualClock());
  await records.add(sampleJob());
});

describe('the records', () => {
  it('apply events in the order in which they came, however long a record takes', async () => {
    await Promise.all([
      records.apply('job_1', { type: 'sending', owner: owner() }),
      records.apply('job_1', { type: 'status_received', remote: remoteJob('processing'), at: 1 }),
      records.apply('job_1', { type: 'status_received', remote: remoteJob('completed'), at: 2 }),
    ]);
    expect(store.history.map(({ state }) => state)).toEqual(['queued', 'submitting', 'processing', 'completed']);
  });

  it('are noted where they change what is reserved or spent, and whose it is', async () => {
    await records.apply('job_1', { type: 'sending', owner: owner() });
    await records.apply('job_1', { type: 'status_received', remote: remoteJob('processing'), at: 1 });
    await records.apply('job_1', { type: 'adopted', from: owner(), owner: owner(2) });
    await records.apply('job_1', { type: 'status_received', remote: remoteJob('completed'), at: 2 });
    await records.apply('job_1', { type: 'saved', file: '/p', mediaType: 'image/jpeg', at: 0 });
    expect(noted).toEqual(['processing', 'processing', 'completed']);
  });

  it('are missed where there must be one', async () => {
    await expect(records.get('job_2')).rejects.toMatchObject({ failure: { kind: 'storage_failed' } });
  });

  it('answer after the limits have noted the change', async () => {
    let taken = false;
    const note = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      taken = true;
    };
    const slow = new JobRecords(store, { note }, createManualClock());
    await slow.apply('job_1', { type: 'adopted', from: owner(), owner: owner(2) });
    expect(taken).toBe(true);
  });

  it('are read again by those who follow them after each change is written, never before', async () => {
    const seen: [string, string | undefined][] = [];
    const following = records.follow('job_1', undefined, async ({ state }) => {
      seen.push([state, store.history.at(-1)?.state]);
      return state === 'submitting' ? undefined : Number.POSITIVE_INFINITY;
    });
    await new Promise((resolve) => setImmediate(resolve));
    await records.apply('job_1', { type: 'sending', owner: owner() });
    expect((await following).state).toBe('submitting');
    expect(seen).toEqual([
      ['queued', 'queued'],
      ['submitting', 'submitting'],
    ]);
  });

  it('write nothing and wake nobody for an event that changes nothing', async () => {
    let reads = 0;
    const life = new AbortController();
    const following = records.follow('job_1', life.signal, async () => {
      reads += 1;
      return Number.POSITIVE_INFINITY;
    });
    await new Promise((resolve) => setImmediate(resolve));
    await records.apply('job_1', { type: 'saved', file: '/p', mediaType: 'image/jpeg', at: 0 });
    await new Promise((resolve) => setImmediate(resolve));
    expect([store.history.length, reads, noted.length]).toEqual([1, 1, 0]);
    life.abort();
    await expect(following).rejects.toThrow();
  });

  it('go on after a record that could not be written', async () => {
    const replace = store.replace.bind(store);
    store.replace = () => Promise.reject(new Error('the disk is full'));
    await expect(records.apply('job_1', { type: 'sending', owner: owner() })).rejects.toThrow('the disk is full');
    store.replace = replace;
    const after = await records.apply('job_1', { type: 'blocked', failure: sampleFailure() });
    expect(after.state).toBe('queued');
  });

  it('know how many follow a job, until they stop', async () => {
    const life = new AbortController();
    const following = [1, 2].map(() => records.follow('job_1', life.signal, async () => Number.POSITIVE_INFINITY));
    await new Promise((resolve) => setImmediate(resolve));
    expect([records.listeners('job_1'), records.listeners('job_2')]).toEqual([2, 0]);
    life.abort();
    await Promise.allSettled(following);
    expect(records.listeners('job_1')).toBe(0);
  });

  it('take a record that is gone for one that may be paid for', async () => {
    await expect(records.get('job_9')).rejects.toMatchObject({
      failure: { kind: 'storage_failed', creditsSpent: 'maybe' },
    });
    expect(await records.find('job_9')).toBeUndefined();
  });
});
