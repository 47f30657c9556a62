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
    expect(noted).toEqual(['submitting', 'processing', 'completed']);
  });

  it('answer after the limits have noted the change', async () => {
    let taken = false;
    const note = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      taken = true;
    };
    const slow = new JobRecords(store, { note }, createManualClock());
    await slow.apply('job_1', { type: 'sending', owner: owner() });
    expect(taken).toBe(true);
  });

  it('wake after the record is written, never before', async () => {
    const seen: (string | undefined)[] = [];
    records.listen('job_1', () => seen.push(store.history.at(-1)?.state));
    await records.apply('job_1', { type: 'sending', owner: owner() });
    expect(seen).toEqual(['submitting']);
  });

  it('write nothing and wake nobody for an event that changes nothing', async () => {
    let woken = 0;
    records.listen('job_1', () => {
      woken += 1;
    });
    await records.apply('job_1', { type: 'saved', file: '/p', mediaType: 'image/jpeg' });
    expect([store.history.length, woken, noted.length]).toEqual([1, 0, 0]);
  });

  it('go on after a record that could not be written', async () => {
    const replace = store.replace.bind(store);
    store.replace = () => Promise.reject(new Error('the disk is full'));
    await expect(records.apply('job_1', { type: 'sending', owner: owner() })).rejects.toThrow('the disk is full');
    store.replace = replace;
    const after = await records.apply('job_1', { type: 'blocked', failure: sampleFailure() });
    expect(after.state).toBe('queued');
  });

  it('wake only those who listen to that job, and only until they stop', async () => {
    const calls: string[] = [];
    const stop = records.listen('job_1', () => calls.push('first'));
    records.listen('job_1', () => calls.push('second'));
    records.listen('job_2', () => calls.push('other'));
    records.wake('job_1');
    stop();
    records.wake('job_1');
    expect(calls).toEqual(['first', 'second', 'second']);
  });

  it('know how many wait for a job', () => {
    expect(records.listeners('job_1')).toBe(0);
    const stops = [1, 2].map(() => records.listen('job_1', () => undefined));
    expect(records.listeners('job_1')).toBe(2);
    for (const stop of stops) stop();
    expect(records.listeners('job_1')).toBe(0);
  });

  it('take a record that is gone for one that may be paid for', async () => {
    await expect(records.get('job_9')).rejects.toMatchObject({
      failure: { kind: 'storage_failed', creditsSpent: 'maybe' },
    });
    expect(await records.find('job_9')).toBeUndefined();
  });
});
