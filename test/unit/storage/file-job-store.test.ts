/** The contract of job stores, on files and in memory, and what is special of the files: damage, newer formats, many. */
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { advance, type Job } from '../../../src/core/job.ts';
import type { JobStore } from '../../../src/core/job-store.ts';
import { changeAtVersion } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileJobStore, damagedRecords } from '../../../src/storage/file-stores.ts';
import { storedText, versionFile } from '../../../src/storage/versioned-file.ts';
import { createMemoryJobStore } from '../../support/memory-storage.ts';
import { recordFile } from '../../support/state-files.ts';
import { remoteJob, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

let folder: string;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-jobs-'));
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function onFiles(): JobStore {
  const note = (message: string): void => void warnings.push(message);
  return createFileJobStore(folder, {
    clock: systemClock,
    log: { debug() {}, info() {}, warn: note, error: note },
  });
}

async function change(store: JobStore, id: string, rule: (job: Job) => Job): Promise<Job> {
  const target = {
    changed: { type: 'record' as const, name: id, location: folder },
    read: async () => (await store.read(id)) ?? never(id),
    replace: store.replace,
    creditsSpent: () => 'maybe' as const,
  };
  return changeAtVersion(
    target,
    (before) => {
      const value = rule(before);
      return { value, result: value };
    },
    systemClock,
  );
}

function never(id: string): never {
  throw new Error(`there is no ${id}`);
}

describe.each([
  ['on files', () => [onFiles(), onFiles()]],
  ['in memory', () => Array(2).fill(createMemoryJobStore()) as JobStore[]],
])('a job store %s', (_, create) => {
  let one: JobStore;
  let two: JobStore;
  beforeEach(() => {
    [one, two] = create() as [JobStore, JobStore];
  });

  it('keeps what another process reads', async () => {
    const job = sampleJob({ id: 'job_a', fileName: 'fox', failure: sampleFailure() });
    await one.add(job);
    expect(await two.find('job_a')).toEqual(job);
    expect((await two.read('job_a'))?.value).toEqual(job);
  });

  it("finds a job by our id and by the service's, ours first", async () => {
    await one.add(sampleJob({ id: 'job_a', remoteId: 'job_b' }));
    await one.add(sampleJob({ id: 'job_b', remoteId: 'dt_9' }));
    expect((await two.find('dt_9'))?.id).toBe('job_b');
    expect((await two.find('job_b'))?.id).toBe('job_b');
    for (const id of ['../job_a', '', 'undefined', 'job_c']) expect(await two.find(id)).toBeUndefined();
  });

  it('replaces the version that was read, once', async () => {
    await one.add(sampleJob({ id: 'job_a', state: 'submitting' }));
    const [seen, seenByTwo] = [await one.read('job_a'), await two.read('job_a')];
    if (seen === undefined || seenByTwo === undefined) throw new Error('the record is gone');
    expect(await one.replace(seen, { ...seen.value, remoteStatus: 'first' })).toBe('done');
    expect(await two.replace(seenByTwo, { ...seen.value, remoteStatus: 'second' })).toBe('conflict');
    expect((await two.find('job_a'))?.remoteStatus).toBe('first');
  });

  it('never lets a job go backwards, whatever two processes write at a time', async () => {
    await one.add(sampleJob({ id: 'job_a', state: 'submitting' }));
    const news = [remoteJob('processing'), remoteJob('completed'), remoteJob('processing'), remoteJob('processing')];
    await Promise.all(
      news.map((remote, index) =>
        change(index % 2 === 0 ? one : two, 'job_a', (job) => advance(job, { type: 'status_received', remote, at: 1 })),
      ),
    );
    expect((await one.find('job_a'))?.state).toBe('completed');
  });

  it('loses no change of two processes', async () => {
    await one.add(sampleJob({ id: 'job_a', createdAt: 0 }));
    const counted = async (store: JobStore): Promise<void> => {
      for (let n = 0; n < 20; n += 1) await change(store, 'job_a', (job) => ({ ...job, createdAt: job.createdAt + 1 }));
    };
    await Promise.all([counted(one), counted(two)]);
    expect((await one.find('job_a'))?.createdAt).toBe(40);
  });

  it('lists the newest first, and nothing where nothing is', async () => {
    expect(await one.list()).toEqual([]);
    for (const createdAt of [2, 3, 1]) await one.add(sampleJob({ id: `job_${createdAt}`, createdAt }));
    expect((await two.list()).map(({ id }) => id)).toEqual(['job_3', 'job_2', 'job_1']);
  });
});

describe('the files', () => {
  const shard = (id: string): string => join(folder, 'jobs', id.slice(-1));

  it('of a record are one, whatever has become of the job', async () => {
    await onFiles().add(sampleJob({ id: 'job_a' }));
    for (let n = 0; n < 5; n += 1) await change(onFiles(), 'job_a', (job) => ({ ...job, createdAt: n }));
    expect(await readdir(shard('job_a'))).toEqual(['job_a.6.json']);
  });

  it.each([
    ['queued', 'submitting', 'no'],
    ['queued', 'failed', 'no'],
    ['submitting', 'processing', 'maybe'],
    ['submitting', 'submitting', 'maybe'],
  ] as const)('that cannot be written say what was spent: from %s to %s, %s', async (from, to, creditsSpent) => {
    const store = onFiles();
    await store.add(sampleJob({ id: 'job_a', state: from }));
    const seen = await store.read('job_a');
    if (seen === undefined) throw new Error('the record is gone');
    await rm(shard('job_a'), { recursive: true });
    await writeFile(shard('job_a'), 'in the way');
    const replacing = store.replace(seen, { ...seen.value, state: to });
    await expect(replacing).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent } });
  });

  it('that cannot be written for a new job mean that nothing was spent', async () => {
    await writeFile(join(folder, 'jobs'), 'in the way');
    const adding = onFiles().add(sampleJob({ id: 'job_a' }));
    await expect(adding).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent: 'no' } });
  });

  it('that are half are set aside, not deleted, and reported; an older version does not take their place', async () => {
    await onFiles().add(sampleJob({ id: 'job_a' }));
    await change(onFiles(), 'job_a', (job) => ({ ...job, createdAt: 7 }));
    const half = (await readFile(recordFile(folder, 'job_a'), 'utf8')).slice(0, 60);
    await writeFile(recordFile(folder, 'job_a'), half);
    await writeFile(versionFile(shard('job_a'), 'job_a', 1), storedText(sampleJob({ id: 'job_a' }), []));
    expect(await onFiles().list()).toEqual([]);
    expect(await onFiles().find('job_a')).toBeUndefined();
    expect(warnings).toEqual(['a damaged job record was set aside']);
    const { folder: damaged, count } = damagedRecords(folder);
    expect(count).toBe(1);
    const kept = (await readdir(damaged)).find((name) => name.startsWith('job_a.2.json.')) ?? '';
    expect(await readFile(join(damaged, kept), 'utf8')).toBe(half);
  });

  it('that are no files are set aside, too', async () => {
    await onFiles().add(sampleJob({ id: 'job_b' }));
    await mkdir(versionFile(shard('job_a'), 'job_a', 3), { recursive: true });
    expect((await onFiles().list()).map(({ id }) => id)).toEqual(['job_b']);
    expect(damagedRecords(folder).count).toBe(1);
  });

  it('of a newer format are shown and never changed', async () => {
    await onFiles().add(sampleJob({ id: 'job_a' }));
    const newer = JSON.stringify({ format: 2, value: sampleJob({ id: 'job_a' }), more: true });
    await writeFile(recordFile(folder, 'job_a'), newer);
    expect((await onFiles().find('job_a'))?.id).toBe('job_a');
    expect((await onFiles().list()).map(({ id }) => id)).toEqual(['job_a']);
    const changing = change(onFiles(), 'job_a', (job) => ({ ...job, remoteStatus: 'seen' }));
    await expect(changing).rejects.toMatchObject({ failure: { kind: 'storage_failed' } });
    expect(await readdir(shard('job_a'))).toEqual(['job_a.1.json']);
    expect(await readFile(recordFile(folder, 'job_a'), 'utf8')).toBe(newer);
  });

  it('of many records are all listed and found, also while they change', async () => {
    const ids = Array.from({ length: 600 }, (_, n) => `job_${n.toString(16).padStart(4, '0')}`);
    for (const [n, id] of ids.entries()) {
      await mkdir(shard(id), { recursive: true });
      const job = sampleJob({ id, createdAt: n, remoteId: `dt_${n}`, file: `2026-11/${id}.jpg`, state: 'saved' });
      writeFileSync(versionFile(shard(id), id, 4), storedText(job, ['a.1']));
    }
    await writeFile(join(folder, 'jobs', 'notes.txt'), 'of a person');
    const listing = onFiles().list();
    await change(onFiles(), 'job_0007', (job) => ({ ...job, url: 'https://cdn.doitong.com/7.jpg' }));
    expect((await listing).map(({ id }) => id)).toEqual(ids.toReversed());
    expect((await onFiles().find('dt_599'))?.id).toBe(ids[599]);
    expect(warnings).toEqual([]);
  });
});
