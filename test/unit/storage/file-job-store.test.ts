/** What is special of job records on files: where they lie, damage, newer formats, many. */
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import { idAt } from '../../../src/runtime/system.ts';
import type { JobStore } from '../../../src/core/job-store.ts';
import { changeAtVersion } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileJobStore, damagedRecords } from '../../../src/storage/file-stores.ts';
import { createDiskFiles, hashOf } from '../../../src/storage/file-system.ts';
import { storedText, versionFile } from '../../../src/storage/versioned-file.ts';
import { recordFile, recordsFolder } from '../../support/state-files.ts';
import { CREATED_AT, sampleJob } from '../core/sample-jobs.ts';
import { recordsIn } from '../../support/listed-jobs.ts';

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

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

const listed = async (): Promise<string[]> => (await recordsIn(onFiles())).map((job) => job.id);

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

const DAY_MS = 24 * 60 * 60_000;
const id = idAt(CREATED_AT, 'abcdefghijk');
/** Of the request of the sample. */
const NAME = `${id}.7d16fc97a4b90a3f`;

describe('the files', () => {
  const day = (): string => join(folder, 'jobs', '2026-11-01');

  it('of a record are one, whatever has become of the job', async () => {
    await onFiles().add(sampleJob({ id }));
    for (let n = 0; n < 5; n += 1) await change(onFiles(), id, (job) => ({ ...job, createdAt: n }));
    expect(await readdir(day())).toEqual([`${NAME}.6.json`]);
  });

  it('lie by the day on which the id was made, and apart when it was not made here', async () => {
    const ids = [idAt(CREATED_AT - 1, 'abcdefghijk'), id, idAt(CREATED_AT + DAY_MS, 'abcdefghijk'), 'job_a'];
    for (const one of ids) await onFiles().add(sampleJob({ id: one }));
    const days = ['2026-10-31', '2026-11-01', '2026-11-02', 'undated'];
    expect((await readdir(join(folder, 'jobs'))).toSorted()).toEqual(days);
    for (const one of ids) expect((await onFiles().find(one))?.id).toBe(one);
  });

  it('of one day are read for a page of that day, and no others', async () => {
    for (let n = 0; n < 6; n += 1) await onFiles().add(sampleJob({ id: idAt(CREATED_AT + n * DAY_MS, 'abcdefghijk') }));
    const listed: string[] = [];
    const files = createDiskFiles(systemClock);
    const list = (path: string): Promise<string[]> => {
      listed.push(basename(path));
      return files.list(path);
    };
    const store = createFileJobStore(folder, { clock: systemClock, log: QUIET, files: { ...files, list } });
    const found: string[] = [];
    for await (const job of store.newest(idAt(CREATED_AT + 4 * DAY_MS, '00000000000'))) {
      found.push(job.id);
      if (found.length === 2) break;
    }
    expect(found).toEqual([3, 2].map((n) => idAt(CREATED_AT + n * DAY_MS, 'abcdefghijk')));
    expect([...new Set(listed)].toSorted()).toEqual(['2026-11-03', '2026-11-04', '2026-11-05', 'jobs']);
  });

  it.each([
    ['queued', 'submitting', 'no'],
    ['queued', 'failed', 'no'],
    ['submitting', 'processing', 'maybe'],
    ['submitting', 'submitting', 'maybe'],
  ] as const)('that cannot be written say what was spent: from %s to %s, %s', async (from, to, creditsSpent) => {
    const store = onFiles();
    await store.add(sampleJob({ id, state: from }));
    const seen = await store.read(id);
    if (seen === undefined) throw new Error('the record is gone');
    await rm(day(), { recursive: true });
    await writeFile(day(), 'in the way');
    const replacing = store.replace(seen, { ...seen.value, state: to });
    await expect(replacing).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent } });
  });

  it('that cannot be written for a new job mean that nothing was spent', async () => {
    await writeFile(join(folder, 'jobs'), 'in the way');
    const adding = onFiles().add(sampleJob({ id }));
    await expect(adding).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent: 'no' } });
  });

  it('that cannot be read do not say that nothing was spent', async () => {
    await onFiles().add(sampleJob({ id }));
    const reading = createFileJobStore(folder, {
      clock: systemClock,
      log: QUIET,
      files: {
        ...createDiskFiles(systemClock),
        list: () => Promise.reject(Object.assign(new Error('EMFILE'), { code: 'EMFILE' })),
      },
    }).read(id);
    await expect(reading).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent: 'maybe' } });
  });

  it('that are half are set aside, not deleted, and reported; an older version does not take their place', async () => {
    await onFiles().add(sampleJob({ id }));
    await change(onFiles(), id, (job) => ({ ...job, createdAt: 7 }));
    const half = (await readFile(recordFile(folder, id), 'utf8')).slice(0, 60);
    await writeFile(recordFile(folder, id), half);
    await writeFile(versionFile(day(), NAME, 1), storedText(sampleJob({ id }), []));
    expect(await listed()).toEqual([]);
    expect(await onFiles().find(id)).toBeUndefined();
    expect(warnings).toEqual(['a damaged job record was set aside']);
    const { folder: damaged, count } = await damagedRecords(folder);
    expect(count).toBe(1);
    const kept = (await readdir(damaged)).find((name) => name.startsWith(`${NAME}.2.json.`)) ?? '';
    expect(await readFile(join(damaged, kept), 'utf8')).toBe(half);
  });

  it('that are no files are set aside, too', async () => {
    const other = idAt(CREATED_AT + 1, 'abcdefghijk');
    await onFiles().add(sampleJob({ id: other }));
    await mkdir(versionFile(day(), NAME, 3), { recursive: true });
    expect(await listed()).toEqual([other]);
    expect((await damagedRecords(folder)).count).toBe(1);
  });

  it('of a newer format are shown and never changed', async () => {
    await onFiles().add(sampleJob({ id }));
    const newer = JSON.stringify({ format: 2, value: sampleJob({ id }), more: true });
    await writeFile(recordFile(folder, id), newer);
    expect((await onFiles().find(id))?.id).toBe(id);
    expect(await listed()).toEqual([id]);
    const changing = change(onFiles(), id, (job) => ({ ...job, remoteStatus: 'seen' }));
    await expect(changing).rejects.toMatchObject({ failure: { kind: 'storage_failed' } });
    expect(await readdir(day())).toEqual([`${NAME}.1.json`]);
    expect(await readFile(recordFile(folder, id), 'utf8')).toBe(newer);
  });

  it('of many records are all listed and found, also while they change', async () => {
    const ids = Array.from({ length: 600 }, (_, n) => idAt(CREATED_AT + n * 0.01 * DAY_MS, 'abcdefghijk'));
    for (const [n, one] of ids.entries()) {
      const inFolder = recordsFolder(folder, one);
      await mkdir(inFolder, { recursive: true });
      const job = sampleJob({ id: one, remoteId: `dt_${n}`, file: `2026-11/${one}.jpg`, state: 'saved' });
      writeFileSync(versionFile(inFolder, `${one}.7d16fc97a4b90a3f`, 4), storedText(job, ['a.1']));
    }
    await writeFile(join(folder, 'jobs', 'notes.txt'), 'of a person');
    await writeFile(join(day(), 'notes.txt'), 'of a person');
    const listing = listed();
    await change(onFiles(), ids[7] ?? '', (job) => ({ ...job, url: 'https://cdn.doitong.com/7.jpg' }));
    expect(await listing).toEqual(ids.toReversed());
    expect((await onFiles().find('dt_599'))?.id).toBe(ids[599]);
    expect(warnings).toEqual([]);
  });

  it('that are hints are further names of the record of a job that has ended', async () => {
    // The first one of a folder makes it.
    await onFiles().add(sampleJob({ id: idAt(CREATED_AT, '00000000000'), remoteId: 'dt_0', state: 'saved' }));
    await onFiles().add(sampleJob({ id, remoteId: 'dt_1', state: 'saved' }));
    const hints = [join('settled', basename(day()), id), join('remote', hashOf('dt_1'))];
    const { ino } = await stat(recordFile(folder, id));
    for (const path of hints) expect((await stat(join(folder, 'hints', path))).ino).toBe(ino);
  });

  it('that are hints are never believed', async () => {
    const [one, other] = [id, idAt(CREATED_AT + 1, 'abcdefghijk')] as const;
    await onFiles().add(sampleJob({ id: one, remoteId: 'dt_1', state: 'saved' }));
    await onFiles().add(sampleJob({ id: other, remoteId: 'dt_2' }));
    const remote = join(folder, 'hints', 'remote');
    for (const text of [one, other, 'job_gone', '../../secret', '']) {
      for (const name of ['dt_1', 'dt_2'].map(hashOf)) {
        await rm(join(remote, name), { force: true });
        await writeFile(join(remote, name), text);
      }
      expect((await onFiles().find('dt_1'))?.id).toBe(one);
      expect((await onFiles().find('dt_2'))?.id).toBe(other);
      expect(await onFiles().find('dt_3')).toBeUndefined();
    }
    await rm(join(folder, 'hints'), { recursive: true });
    expect((await onFiles().open()).map((job) => job.id)).toEqual([other]);
    expect((await onFiles().find('dt_2'))?.id).toBe(other);
  });
});
