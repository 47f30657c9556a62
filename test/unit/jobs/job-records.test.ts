/** Proves that changes of one job never overtake each other, and that those who wait are woken after the record. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import { JobBoard } from '../../../src/jobs/job-records.ts';
import { owner, remoteJob, sampleFailure, sampleJob } from '../core/sample-jobs.ts';
import { RecordingLedger } from './fakes.ts';

/** Each write takes longer than the one after it. */
class SlowLedger extends RecordingLedger {
  #turns = 6;

  override async update(id: string, change: (job: Job) => Job): Promise<Job | undefined> {
    this.#turns = Math.max(0, this.#turns - 2);
    for (let turn = 0; turn < this.#turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return super.update(id, change);
  }
}

let ledger: SlowLedger;
let board: JobBoard;
/** The states that the gate was told of. */
let noted: string[];
beforeEach(async () => {
  ledger = new SlowLedger();
  noted = [];
  board = new JobBoard(ledger, { note: async ({ state }) => void noted.push(state) });
  await board.add(sampleJob());
});

describe('the board', () => {
  it('applies events in the order in which they came, however long a record takes', async () => {
    await Promise.all([
      board.apply('job_1', { type: 'sending', owner: owner() }),
      board.apply('job_1', { type: 'observed', remote: remoteJob('processing'), at: 1 }),
      board.apply('job_1', { type: 'observed', remote: remoteJob('completed'), at: 2 }),
    ]);
    expect(ledger.history.map(({ state }) => state)).toEqual(['queued', 'submitting', 'processing', 'completed']);
    expect(noted).toEqual(['submitting', 'processing', 'completed']);
  });

  it('answers after the gate has taken the news in', async () => {
    let taken = false;
    const slow = new JobBoard(ledger, {
      note: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        taken = true;
      },
    });
    await slow.apply('job_1', { type: 'sending', owner: owner() });
    expect(taken).toBe(true);
  });

  it('wakes after the record is written, never before', async () => {
    const seen: (string | undefined)[] = [];
    board.listen('job_1', () => seen.push(ledger.history.at(-1)?.state));
    await board.apply('job_1', { type: 'sending', owner: owner() });
    expect(seen).toEqual(['submitting']);
  });

  it('writes nothing and wakes nobody for an event that changes nothing', async () => {
    let woken = 0;
    board.listen('job_1', () => {
      woken += 1;
    });
    await board.apply('job_1', { type: 'saved', file: '/p', mediaType: 'image/jpeg' });
    expect([ledger.history.length, woken, noted.length]).toEqual([1, 0, 0]);
  });

  it('goes on after a record that could not be written', async () => {
    const update = ledger.update.bind(ledger);
    ledger.update = () => Promise.reject(new Error('the disk is full'));
    await expect(board.apply('job_1', { type: 'sending', owner: owner() })).rejects.toThrow('the disk is full');
    ledger.update = update;
    const after = await board.apply('job_1', { type: 'hindered', failure: sampleFailure() });
    expect(after.state).toBe('queued');
  });

  it('wakes only those who listen to that job, and only until they stop', async () => {
    const calls: string[] = [];
    const stop = board.listen('job_1', () => calls.push('first'));
    board.listen('job_1', () => calls.push('second'));
    board.listen('job_2', () => calls.push('other'));
    board.wake('job_1');
    stop();
    board.wake('job_1');
    expect(calls).toEqual(['first', 'second', 'second']);
  });

  it('knows how many wait for a job', () => {
    expect(board.listeners('job_1')).toBe(0);
    const stops = [1, 2].map(() => board.listen('job_1', () => undefined));
    expect(board.listeners('job_1')).toBe(2);
    for (const stop of stops) stop();
    expect(board.listeners('job_1')).toBe(0);
  });

  it('takes a record that is gone for one that may be paid for', async () => {
    await expect(board.get('job_9')).rejects.toMatchObject({
      failure: { kind: 'storage_failed', creditsSpent: 'maybe' },
    });
    expect(await board.find('job_9')).toBeUndefined();
  });
});
