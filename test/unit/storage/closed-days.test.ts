/** Days on which all jobs have ended: they are not searched again, unless something is added to them. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobState } from '../../../src/core/job.ts';
import { idAt } from '../../../src/runtime/system.ts';
import type { JobStore } from '../../../src/core/job-store.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileJobStore } from '../../../src/storage/file-stores.ts';
import { createDiskFiles } from '../../../src/storage/file-system.ts';
import { CREATED_AT, sampleJob } from '../core/sample-jobs.ts';
import { QUIET } from './engines.ts';

const DAY_MS = 24 * 60 * 60_000;
const DAYS = ['2026-11-01', '2026-11-02', '2026-11-03', '2026-11-04'];
const clock = { ...systemClock, now: () => CREATED_AT + 4.5 * DAY_MS };

let folder: string;
/** Folders that were listed since it was emptied. */
let listed: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-days-'));
  listed = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One more process. */
function onFiles(): JobStore {
  const disk = createDiskFiles(clock);
  const list = (path: string): Promise<string[]> => {
    listed.push(basename(path));
    return disk.list(path);
  };
  return createFileJobStore(folder, { clock, log: QUIET, files: { ...disk, list } });
}

const idOf = (day: number, n = 0): string => idAt(CREATED_AT + day * DAY_MS + n, String(n).padStart(11, '0'));

/** Three jobs a day, all of which have ended but for those of the last day. */
async function fill(): Promise<void> {
  const store = onFiles();
  for (const [day] of DAYS.entries())
    for (let n = 0; n < 3; n += 1) {
      const state: JobState = day === DAYS.length - 1 ? 'processing' : 'saved';
      await store.add(sampleJob({ id: idOf(day, n), state, remoteId: `dt_${day}_${n}` }));
    }
}

const openIn = async (store: JobStore): Promise<string[]> => (await store.open()).map(({ id }) => id);
const listedDays = (): string[] => [...new Set(listed)].filter((name) => name.startsWith('2026-')).toSorted();
const open = [2, 1, 0].map((n) => idOf(3, n));

describe('a day on which all jobs have ended', () => {
  beforeEach(fill);

  it('is not listed again once it is two days old, by no process', async () => {
    expect(await openIn(onFiles())).toEqual(open);
    listed = [];
    for (const store of [onFiles(), onFiles()]) expect(await openIn(store)).toEqual(open);
    expect(listedDays()).toEqual(['2026-11-03', '2026-11-04']);
  });

  it('leaves one file instead of one for each of its jobs', async () => {
    await openIn(onFiles());
    expect((await readdir(join(folder, 'hints', 'settled'))).toSorted()).toEqual(['2026-11-03']);
    expect((await readdir(join(folder, 'hints', 'closed'))).toSorted()).toEqual(['2026-11-01', '2026-11-02']);
  });

  it('loses what a killed process left half written', async () => {
    const day = join(folder, 'jobs', '2026-11-01');
    await writeFile(join(day, `${idOf(0)}.7d16fc97a4b90a3f.a1b2.part`), '{');
    for (let n = 0; n < 2; n += 1) await openIn(onFiles());
    expect((await readdir(day)).filter((name) => !name.endsWith('.json'))).toEqual([]);
    listed = [];
    await openIn(onFiles());
    expect(listedDays()).toEqual(['2026-11-03', '2026-11-04']);
  });

  it('is searched again when a clock that was set back has added a job to it', async () => {
    const [one, two] = [onFiles(), onFiles()];
    for (const store of [one, two]) expect(await openIn(store)).toEqual(open);
    await two.add(sampleJob({ id: idOf(0, 7), state: 'submitting' }));
    for (const store of [one, two, onFiles()]) expect(await openIn(store)).toEqual([...open, idOf(0, 7)]);
  });

  it('is not closed while one of its jobs is open', async () => {
    const late = idOf(1, 9);
    await onFiles().add(sampleJob({ id: late, state: 'unknown' }));
    for (let n = 0; n < 2; n += 1) expect(await openIn(onFiles())).toEqual([...open, late]);
    const store = onFiles();
    const seen = await store.read(late);
    if (seen === undefined) throw new Error('the record is gone');
    await store.replace(seen, { ...seen.value, state: 'failed' });
    for (let n = 0; n < 2; n += 1) expect(await openIn(onFiles())).toEqual(open);
    expect((await readdir(join(folder, 'hints', 'closed'))).toSorted()).toEqual(['2026-11-01', '2026-11-02']);
  });
});

describe('a record that is removed from a day on which all jobs have ended', () => {
  beforeEach(async () => {
    await fill();
    await openIn(onFiles());
  });

  async function remove(id: string, store = onFiles()): Promise<void> {
    const seen = await store.read(id);
    expect(seen && (await store.remove(seen))).toBe('done');
  }

  it('leaves nothing behind that has its text', async () => {
    const late = sampleJob({ id: idOf(1, 7), state: 'saved', remoteId: 'dt_late', savedAt: CREATED_AT + 9 * DAY_MS });
    await onFiles().add({ ...late, request: { ...late.request, prompt: 'nobody else has ordered this' } });
    await remove(late.id);
    const files = await readdir(folder, { withFileTypes: true, recursive: true });
    for (const file of files.filter((one) => one.isFile()))
      expect(await readFile(join(file.parentPath, file.name), 'utf8')).not.toContain('nobody else');
    expect(files.map(({ name }) => name)).not.toContain(late.id);
  });

  it('keeps the others of that day from no search, also by the id of the service', async () => {
    await remove(idOf(0, 1));
    for (const store of [onFiles(), onFiles()]) {
      expect(await openIn(store)).toEqual(open);
      expect((await store.find('dt_0_2'))?.id).toBe(idOf(0, 2));
      expect(await store.find('dt_0_1')).toBeUndefined();
      expect(await store.find(idOf(0, 1))).toBeUndefined();
    }
    listed = [];
    expect(await openIn(onFiles())).toEqual(open);
    expect(listedDays()).toEqual(['2026-11-03', '2026-11-04']);
  });

  it('is found as open when it comes back open', async () => {
    const last = idOf(2, 1);
    await remove(last);
    await onFiles().add(sampleJob({ id: last, state: 'processing', remoteId: 'dt_2_1' }));
    for (const store of [onFiles(), onFiles()]) expect(await openIn(store)).toEqual([...open, last]);
  });

  it('is found by the id of the service as long as it is there, whatever stopped the removal', async () => {
    const [disk, id] = [createDiskFiles(clock), idOf(0, 1)];
    const stop = async (path: string): Promise<void> => {
      if (path.includes(join('jobs', '2026-11-01'))) throw new Error('killed');
      await disk.remove(path);
    };
    const killed = createFileJobStore(folder, { clock, log: QUIET, files: { ...disk, remove: stop } });
    await expect(remove(id, killed)).rejects.toThrow();
    expect((await onFiles().find('dt_0_1'))?.id).toBe(id);
    expect(await openIn(onFiles())).toEqual(open);
    expect((await onFiles().find('dt_0_1'))?.id).toBe(id);
    await remove(id);
    expect(await onFiles().find('dt_0_1')).toBeUndefined();
  });
});

describe("a job that is looked for by the service's id", () => {
  beforeEach(fill);

  it.each(['lost', 'empty', 'of another job'])('is found in a closed day whose hint was %s before', async (what) => {
    const remote = join(folder, 'hints', 'remote');
    for (const name of await readdir(remote)) {
      // A second name of a record, which must not be written to.
      await rm(join(remote, name));
      if (what !== 'lost') await writeFile(join(remote, name), what === 'empty' ? '' : idOf(3));
    }
    expect((await onFiles().find('dt_0_1'))?.id).toBe(idOf(0, 1));
    await openIn(onFiles());
    listed = [];
    for (let n = 0; n < 3; n += 1) expect((await onFiles().find(`dt_0_${n}`))?.id).toBe(idOf(0, n));
    expect(listedDays()).toEqual(['2026-11-01']);
    expect((await onFiles().find('dt_3_1'))?.id).toBe(idOf(3, 1));
  });

  it('is not looked for in closed days when there is none', async () => {
    await openIn(onFiles());
    listed = [];
    expect(await onFiles().find('dt_9')).toBeUndefined();
    expect(listedDays()).toEqual(['2026-11-03', '2026-11-04']);
  });

  it('is looked for on its day alone when the id is one of ours', async () => {
    listed = [];
    expect(await onFiles().find(idOf(1, 5))).toBeUndefined();
    expect(listedDays()).toEqual(['2026-11-02']);
  });
});
