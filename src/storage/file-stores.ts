/** Job records and shared values on disk, each a row of versions, for all processes with the same service and key. */
import { cpSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BoundedMap } from '../core/primitives.ts';
import type { Clock, Log } from '../core/ports.ts';
import { type CreditsSpent, FluxError } from '../core/failure.ts';
import { dedupeKey } from '../core/image-request.ts';
import { isSettled, JOB_ID, type Job, jobSchema } from '../core/job.ts';
import { type JobStore, newestFirst, type StoredJob } from '../core/job-store.ts';
import type { StorageReason } from '../core/reasons.ts';
import type { SharedValue, SharedValues, ValueSpec, Version, Versioned } from '../core/shared-value.ts';
import { NO_VERSION } from '../core/shared-value.ts';
import { errorCode, isAbsent, makeFolder, namesIn } from './disk.ts';
import { withAbsolutePath, withRecordedPath } from './output-folder.ts';
import { newestIn, readStored, textOfVersion, VersionedFile, versionFile } from './versioned-file.ts';

type Deps = { clock: Clock; log: Log };

/** Next to the folder of the records. */
const DAMAGED = 'damaged';
/**
 * How long all records are read at a stretch before others get their turn: thousands of small files that the system
 * holds in memory are read in less time than Node needs to hand each of them to a thread and back.
 */
const STRETCH_MS = 4;
/** Jobs that are found by the service's id without reading all records. */
const HINTS_MAX = 2_000;

/**
 * @param folder absolute; of this service and key alone. Made when the first record is written.
 * @param deps `outputFolder`: absolute; records name pictures relative to it. Absent: as they are.
 */
export function createFileJobStore(
  folder: string,
  { clock, log, outputFolder }: Deps & { outputFolder?: string },
): JobStore {
  const jobs = join(folder, 'jobs');
  /** Records are spread over folders: whoever wants the newest version of one lists the folder that it is in. */
  const folderOf = (id: string): string => join(jobs, id.slice(-1));
  const fileOf = (id: string): VersionedFile => new VersionedFile(folderOf(id), id, clock);
  /** Where a record was that held this id of the service: a hint that is looked at, never believed. */
  const idsByRemoteId = new BoundedMap<string, string>(HINTS_MAX);

  const withFile = (job: Job, path: typeof withAbsolutePath): Job =>
    job.file === undefined || outputFolder === undefined ? job : path(job, outputFolder);

  /** `undefined`: there is no such record, or it is damaged and was set aside. */
  async function read(id: string): Promise<StoredJob | undefined> {
    if (!JOB_ID.test(id)) return undefined;
    const newest = await kept(folderOf(id), 'no', () => present(() => fileOf(id).read()));
    if (newest === undefined) return undefined;
    const { type, value, changes } = readStored(newest.text, jobSchema);
    if (type === 'damaged') return setAside(id);
    if (value === undefined) {
      log.warn('a job record of a newer version cannot be read here', { id });
      return undefined;
    }
    const version = { number: newest.number, changes };
    return { value: withFile(value, withAbsolutePath), version, ...(type === 'newer' && { isNewer: true }) };
  }

  /** A damaged record is kept for a person to look at: it may be all that is left of a paid job. */
  async function setAside(id: string): Promise<undefined> {
    const aside = join(folder, DAMAGED);
    log.error('a damaged job record was set aside', { id, folder: aside });
    await makeFolder(aside);
    const file = fileOf(id);
    // All of its versions, the oldest first: an older one must not pass for the newest.
    for (const number of file.numbers()) {
      const path = file.path(number);
      await rename(path, join(aside, `${basename(path)}.${clock.now()}`)).catch(() => undefined);
    }
  }

  function write(job: Job, version: Version, spent: CreditsSpent) {
    const file = fileOf(job.id);
    return kept(file.path(version.number + 1), spent, async () =>
      file.replace(version, withFile(job, withRecordedPath), 'machine'),
    );
  }

  async function readAll(): Promise<Job[]> {
    const found: Job[] = [];
    let until = clock.monotonic() + STRETCH_MS;
    for (const part of present(() => namesIn(jobs)) ?? []) {
      for (const [id, number] of present(() => newestIn(join(jobs, part))) ?? []) {
        if (!JOB_ID.test(id)) continue;
        if (clock.monotonic() > until) {
          await new Promise<void>((resolve) => setImmediate(resolve));
          until = clock.monotonic() + STRETCH_MS;
        }
        const stored = readStored(textOfVersion(versionFile(folderOf(id), id, number)), jobSchema);
        // If it cannot be read, there is a newer version by now, as a rule.
        const job = stored.type === 'value' ? withFile(stored.value, withAbsolutePath) : (await read(id))?.value;
        if (job !== undefined) found.push(job);
      }
    }
    return found.sort(newestFirst);
  }

  const list = (): Promise<Job[]> => kept(jobs, 'no', readAll);

  return {
    location: folder,
    async add(job) {
      if ((await write(job, NO_VERSION, 'no')) === 'conflict')
        throw failed({ code: 'state_not_kept', path: folderOf(job.id), error: 'EEXIST' }, 'no');
    },
    read,
    async replace({ value, version, isNewer }, job) {
      if (isNewer) throw failed({ code: 'state_is_newer', path: fileOf(job.id).path(version.number) }, 'maybe');
      // Whatever a queued order was to become: it was never sent.
      const replacement = await write(job, version, value.state === 'queued' ? 'no' : 'maybe');
      if (job.remoteId !== undefined) idsByRemoteId.set(job.remoteId, job.id);
      return replacement;
    },
    async find(id) {
      const own = await read(id);
      if (own !== undefined) return own.value;
      const hinted = await read(idsByRemoteId.get(id) ?? '');
      if (hinted?.value.remoteId === id) return hinted.value;
      const found = (await list()).find((job) => job.remoteId === id);
      if (found !== undefined) idsByRemoteId.set(id, found.id);
      return found;
    },
    list,
    open: async () => (await list()).filter((job) => !isSettled(job)),
    async equal(key, since) {
      return (await list()).filter(
        ({ createdAt, request, nth }) => createdAt >= since && dedupeKey(request, nth) === key,
      );
    },
  };
}

/** Where damaged records of this folder were set aside, and of how many jobs they still lie there. */
export function damagedRecords(folder: string): { folder: string; count: number } {
  const aside = join(folder, DAMAGED);
  return { folder: aside, count: new Set(present(() => namesIn(aside))?.map((name) => name.split('.', 1)[0])).size };
}

/** @param folder absolute; made at the first change */
export function createFileValues(folder: string, { clock, log }: Deps): SharedValues {
  /** What is about to be replaced without having been understood is kept for a person to look at. */
  function keepDamaged(path: string): void {
    const aside = `${path}.damaged`;
    try {
      // A copy, so that the newest version is never missing.
      cpSync(path, aside, { recursive: true, force: false, errorOnExist: true });
      log.error('a damaged file of the shared values was set aside', { file: aside });
    } catch {
      // As a rule another process was faster.
    }
  }

  return {
    location: folder,
    open<Value>({ name, schema, initial }: ValueSpec<Value>): SharedValue<Value> {
      const file = new VersionedFile(folder, name, clock);
      /** What this process has read or written last: understood once, as long as it is the newest. */
      let last: (Versioned<Value> & { stamp: string | undefined }) | undefined;
      const remember = (value: Value, { number, changes }: Version): Versioned<Value> => {
        last = { value, version: { number, changes }, stamp: stampOf(file.path(number)) };
        return last;
      };
      return {
        read: () =>
          kept(folder, 'no', async () => {
            const stamp = stampOf(file.path(file.numbers().pop() ?? 0));
            if (stamp !== undefined && last?.stamp === stamp) return last;
            const newest = file.read();
            if (newest === undefined) return { value: await initial(), version: NO_VERSION };
            const { number, text } = newest;
            const { type, value, changes } = readStored(text, schema);
            // Replacing it would take away what the newer version knows of money.
            if (type === 'newer') throw failed({ code: 'state_is_newer', path: file.path(number) }, 'no');
            if (type === 'damaged') return { value: await initial(), version: { number, changes, isDamaged: true } };
            return remember(value, { number, changes });
          }),
        replace: (version, value, durability) =>
          kept(folder, 'no', async () => {
            if (version.isDamaged) keepDamaged(file.path(version.number));
            const replacement = await file.replace(version, value, durability);
            if (replacement === 'done') remember(value, { ...version, number: version.number + 1 });
            return replacement;
          }),
      };
    },
  };
}

/** Tells one file from another under its name; `undefined` where there is none. */
function stampOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${path} ${found.ino} ${found.size} ${found.mtimeMs}`;
}

/** `undefined` where there is nothing of that name, nor can be. */
function present<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function kept<Result>(
  path: string,
  creditsSpent: CreditsSpent,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FluxError) throw error;
    throw failed({ code: 'state_not_kept', path, error: errorCode(error) }, creditsSpent, error);
  }
}

function failed(reason: StorageReason, creditsSpent: CreditsSpent, cause?: unknown): FluxError {
  return new FluxError({ kind: 'storage_failed', reason, creditsSpent, retry: 'no' }, { cause });
}
