/** Proves that records survive, never go backwards between processes, and are kept when they cannot be read. */
import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { advance } from '../../../src/core/job.ts';
import { recordText } from '../../../src/core/job-record.ts';
import type { JobStore } from '../../../src/core/job-store.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { createFileJobStore } from '../../../src/storage/file-job-store.ts';
import { owner, remoteJob, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

let folder: string;
let living: Set<number>;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-ledger-'));
  living = new Set([1, 2]);
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function storeOf(pid: number): JobStore {
  const note = (message: string): void => void warnings.push(message);
  return createFileJobStore(folder, {
    clock: systemClock,
    log: { debug() {}, info() {}, warn: note, error: note },
    processes: { self: () => owner(pid), isAlive: (other) => living.has(other.pid) },
  });
}

const fileOf = (id: string): string => join(folder, 'jobs', `${id}.json`);

describe('a record', () => {
  it('is what another process reads', async () => {
    const job = sampleJob({ id: 'job_a', fileName: 'fox', failure: sampleFailure() });
    await storeOf(1).add(job);
    expect(await storeOf(2).find('job_a')).toEqual(job);
  });

  it('is found by the id of the service', async () => {
    await storeOf(1).add(sampleJob({ id: 'job_a', remoteId: 'dt_9' }));
    expect((await storeOf(2).find('dt_9'))?.id).toBe('job_a');
    expect(await storeOf(2).find('../job_a')).toBeUndefined();
  });

  it('never goes backwards, whatever two processes write at a time', async () => {
    const [one, two] = [storeOf(1), storeOf(2)];
    await one.add(sampleJob({ id: 'job_a', state: 'submitting' }));
    const news = [remoteJob('processing'), remoteJob('completed'), remoteJob('processing'), remoteJob('processing')];
    await Promise.all(
      news.map((remote, index) =>
        (index % 2 === 0 ? one : two).update('job_a', (job) =>
          advance(job, { type: 'status_received', remote, at: 1 }),
        ),
      ),
    );
    expect((await one.find('job_a'))?.state).toBe('completed');
    expect((await readdir(join(folder, 'jobs'))).toSorted()).toEqual(['job_a.json', 'marks']);
  });

  it('loses no change of many at a time', async () => {
    const [one, two] = [storeOf(1), storeOf(2)];
    await one.add(sampleJob({ id: 'job_a', createdAt: 0 }));
    const count = 40;
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        (index % 2 === 0 ? one : two).update('job_a', (job) => ({ ...job, createdAt: job.createdAt + 1 })),
      ),
    );
    expect((await one.find('job_a'))?.createdAt).toBe(count);
  });

  it('is free again when the process that held it is gone', async () => {
    await storeOf(1).add(sampleJob({ id: 'job_a' }));
    await writeFile(join(folder, 'jobs', 'job_a.lock'), JSON.stringify(owner(77)));
    const after = await storeOf(1).update('job_a', (job) => ({ ...job, remoteStatus: 'seen' }));
    expect(after?.remoteStatus).toBe('seen');
  });

  it.each([
    ['queued', 'no'],
    ['submitting', 'maybe'],
  ] as const)('that cannot be locked is a failure of known form: %s, credits spent: %s', async (state, spent) => {
    await storeOf(1).add(sampleJob({ id: 'job_a', state }));
    const losing = storeOf(1).update('job_a', (job) => {
      writeFileSync(join(folder, 'jobs', 'job_a.lock'), JSON.stringify({ ...owner(77), lock: 'of another' }));
      return { ...job, remoteStatus: 'seen' };
    });
    await expect(losing).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent: spent } });
    expect((await storeOf(1).find('job_a'))?.remoteStatus).toBeUndefined();
  });

  it('whose lock was taken over on the way is changed once more, on what the other one wrote', async () => {
    await storeOf(1).add(sampleJob({ id: 'job_a', state: 'submitting' }));
    const seen: (string | undefined)[] = [];
    const after = await storeOf(1).update('job_a', (job) => {
      seen.push(job.remoteStatus);
      if (seen.length === 1) {
        writeFileSync(join(folder, 'jobs', 'job_a.lock'), JSON.stringify({ ...owner(77), lock: 'of another' }));
        writeFileSync(fileOf('job_a'), recordText({ ...job, remoteStatus: 'written meanwhile' }));
      }
      return { ...job, url: 'https://cdn.doitong.com/1.jpg' };
    });
    expect(seen).toEqual([undefined, 'written meanwhile']);
    expect(after).toMatchObject({ remoteStatus: 'written meanwhile', url: 'https://cdn.doitong.com/1.jpg' });
  });

  it('that is half is set aside, not deleted, and told', async () => {
    await storeOf(1).add(sampleJob({ id: 'job_a' }));
    const half = (await readFile(fileOf('job_a'), 'utf8')).slice(0, 60);
    await writeFile(fileOf('job_a'), half);
    expect(await storeOf(1).list()).toEqual([]);
    const [kept = ''] = await readdir(join(folder, 'damaged'));
    expect(await readFile(join(folder, 'damaged', kept), 'utf8')).toBe(half);
    expect(warnings).toEqual(['a damaged job record was set aside']);
  });

  it('of a newer version is shown and never changed', async () => {
    await storeOf(1).add(sampleJob({ id: 'job_a' }));
    const newer = JSON.stringify({ schema: 2, job: sampleJob({ id: 'job_a' }), more: true });
    await writeFile(fileOf('job_a'), newer);
    expect((await storeOf(1).find('job_a'))?.id).toBe('job_a');
    const change = storeOf(1).update('job_a', (job) => ({ ...job, remoteStatus: 'seen' }));
    await expect(change).rejects.toMatchObject({ failure: { kind: 'storage_failed' } });
    expect(await readFile(fileOf('job_a'), 'utf8')).toBe(newer);
  });
});

describe('the ledger', () => {
  it('lists the newest first, and nothing where nothing is', async () => {
    expect(await storeOf(1).list()).toEqual([]);
    for (const createdAt of [2, 3, 1]) await storeOf(1).add(sampleJob({ id: `job_${createdAt}`, createdAt }));
    expect((await storeOf(2).list()).map(({ id }) => id)).toEqual(['job_3', 'job_2', 'job_1']);
  });

  it('says that nothing was spent when a new record cannot be kept', async () => {
    await writeFile(join(folder, 'jobs'), 'in the way');
    const adding = storeOf(1).add(sampleJob({ id: 'job_a' }));
    await expect(adding).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent: 'no' } });
  });
});
