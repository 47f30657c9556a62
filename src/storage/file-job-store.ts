/** Job records on disk, each a row of versions, shared by all processes that work with the same service and key. */
import { readdirSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BoundedMap } from '../core/bounded-map.ts';
import type { Clock } from '../core/clock.ts';
import { type CreditsSpent, FluxError } from '../core/failure.ts';
import { JOB_ID, type Job } from '../core/job.ts';
import { newestFirst } from '../core/job-page.ts';
import { parseJob } from '../core/job-record.ts';
import type { JobStore, StoredJob } from '../core/job-store.ts';
import type { Log } from '../core/log.ts';
import { NO_VERSION, type Replacement, type Version } from '../core/shared-value.ts';
import { errorCode, isAbsent } from './error-code.ts';
import { makeFolder } from './make-folder.ts';
import { withAbsolutePath, withRecordedPath } from './recorded-path.ts';
import { readStored, type Stored } from './stored-text.ts';
import { newestIn, textOfVersion, VersionedFile, versionFile, versionsAmong } from './versioned-file.ts';

export type FileJobStoreDeps = {
  clock: Clock;
  log: Log;
  /** Absolute; records name pictures relative to it. Absent: as they are. */
  outputFolder?: (() => Promise<string>) | undefined;
};

/** Next to the folder of the records. */
const DAMAGED = 'damaged';
/**
 * How long all records are read at a stretch before others get their turn. Without promises: thousands of small files
 * that the system holds in memory are read in less time than Node needs to hand each of them to a thread and back.
 */
const STRETCH_MS = 4;
/** Longer than a record. */
const READ_BYTES = 65_536;
/** Jobs that are found by the service's id without reading all records. */
const HINTS_MAX = 2_000;

/** @param folder absolute; of this service and key alone. Made when the first record is written. */
export function createFileJobStore(folder: string, deps: FileJobStoreDeps): JobStore {
  const { clock, log } = deps;
  const jobs = join(folder, 'jobs');
  /** Records are spread over folders: whoever wants the newest version of one lists the folder that it is in. */
  const folderOf = (id: string): string => join(jobs, id.slice(-2));
  /** Where a record was that held this id of the service: a hint that is looked at, never believed. */
  const idsByRemoteId = new BoundedMap<string, string>(HINTS_MAX);

  let output: Promise<string> | undefined;
  /** Asked once: the user's folders stay where they are while the process lives. */
  async function withFile(job: Job, path: (job: Job, outputFolder: string) => Job): Promise<Job> {
    if (job.file === undefined || deps.outputFolder === undefined) return job;
    output ??= deps.outputFolder();
    return path(job, await output);
  }

  /** `undefined`: there is no such record, or it is damaged and was set aside. */
  async function read(id: string): Promise<StoredJob | undefined> {
    if (!JOB_ID.test(id)) return undefined;
    const newest = reading(folderOf(id), () => new VersionedFile(folderOf(id), id, clock).newest());
    return newest === undefined ? undefined : usable(id, newest.number, readStored(newest.text, parseJob));
  }

  async function usable(id: string, number: number, stored: Stored<Job>): Promise<StoredJob | undefined> {
    if (stored.type === 'damaged') {
      await setAside(id, stored.reason);
      return undefined;
    }
    if (stored.value === undefined) {
      log.warn('a job record of a newer version cannot be read here', { id });
      return undefined;
    }
    const value = await withFile(stored.value, withAbsolutePath);
    return stored.type === 'newer'
      ? { value, version: { number, changes: [] }, isNewer: true }
      : { value, version: { number, changes: stored.changes } };
  }

  /** A damaged record is kept for a person to look at: it may be all that is left of a paid job. */
  async function setAside(id: string, reason: string): Promise<void> {
    const aside = join(folder, DAMAGED);
    log.error('a damaged job record was set aside', { id, reason, folder: aside });
    await makeFolder(aside);
    // All of its versions, the oldest first: an older one must not pass for the newest.
    for (const number of versionsAmong(readdirSync(folderOf(id)), id)) {
      const file = versionFile(folderOf(id), id, number);
      await rename(file, join(aside, `${basename(file)}.${clock.now()}`)).catch(() => undefined);
    }
  }

  async function write(job: Job, version: Version, spent: CreditsSpent): Promise<Replacement> {
    const file = new VersionedFile(folderOf(job.id), job.id, clock);
    try {
      return await file.replace(version, await withFile(job, withRecordedPath), 'machine');
    } catch (error) {
      throw cannot(file.path(version.number + 1), error, spent);
    }
  }

  /** Newest first. @param mayBe leaves texts out before they are understood, which costs as much as reading them */
  async function all(mayBe: (text: string) => boolean = () => true): Promise<Job[]> {
    const found: Job[] = [];
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let until = clock.monotonic() + STRETCH_MS;
    for (const part of await namesIn(jobs)) {
      for (const [id, number] of versionsIn(join(jobs, part))) {
        if (clock.monotonic() > until) {
          await new Promise<void>((resolve) => setImmediate(resolve));
          until = clock.monotonic() + STRETCH_MS;
        }
        const job = await jobOf(id, number, buffer, mayBe);
        if (job !== undefined) found.push(job);
      }
    }
    return found.sort(newestFirst);
  }

  /** Newest versions of the records there. */
  function versionsIn(part: string): [string, number][] {
    return [...(reading(part, () => newestIn(part)) ?? [])].filter(([id]) => JOB_ID.test(id));
  }

  /** Answers without a turn for others where none is needed: there may be many. */
  function jobOf(
    id: string,
    number: number,
    buffer: Buffer,
    mayBe: (text: string) => boolean,
  ): Job | undefined | Promise<Job | undefined> {
    const path = versionFile(folderOf(id), id, number);
    const text = reading(path, () => textOfVersion(path, buffer));
    // As a rule there is a newer version by now.
    if (text === undefined) return read(id).then((stored) => stored?.value);
    if (!mayBe(text)) return undefined;
    const stored = readStored(text, parseJob);
    if (stored.type === 'value' && stored.value.file === undefined) return stored.value;
    return usable(id, number, stored).then((job) => job?.value);
  }

  async function findRemote(remoteId: string): Promise<Job | undefined> {
    const known = idsByRemoteId.get(remoteId);
    const job = known === undefined ? undefined : (await read(known))?.value;
    if (job?.remoteId === remoteId) return job;
    const encodedId = JSON.stringify(remoteId);
    const found = (await all((text) => text.includes(encodedId))).find((other) => other.remoteId === remoteId);
    if (found !== undefined) idsByRemoteId.set(remoteId, found.id);
    return found;
  }

  return {
    location: folder,
    async add(job) {
      if ((await write(job, NO_VERSION, 'no')) === 'done') return;
      throw cannot(folderOf(job.id), Object.assign(new Error(job.id), { code: 'EEXIST' }));
    },
    read,
    async replace(seen, job) {
      if (seen.isNewer) {
        const path = versionFile(folderOf(job.id), job.id, seen.version.number);
        const reason = { code: 'state_is_newer', path } as const;
        throw new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'maybe', retry: 'no' });
      }
      // Whatever a queued order was to become: it was never sent.
      const replacement = await write(job, seen.version, seen.value.state === 'queued' ? 'no' : 'maybe');
      if (job.remoteId !== undefined) idsByRemoteId.set(job.remoteId, job.id);
      return replacement;
    },
    async find(id) {
      return (await read(id))?.value ?? findRemote(id);
    },
    list: () => all(),
  };
}

/** Where damaged records of this folder were set aside, and of how many jobs they still lie there. */
export async function damagedRecords(folder: string): Promise<{ folder: string; count: number }> {
  const aside = join(folder, DAMAGED);
  return { folder: aside, count: new Set((await namesIn(aside)).map((name) => name.split('.', 1)[0])).size };
}

/** `undefined` where there is nothing of that name. */
function reading<Value>(path: string, work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw cannot(path, error);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw cannot(folder, error);
  }
}

function cannot(path: string, cause: unknown, creditsSpent: CreditsSpent = 'no'): FluxError {
  const reason = { code: 'state_not_kept', path, error: errorCode(cause) } as const;
  return new FluxError({ kind: 'storage_failed', reason, creditsSpent, retry: 'no' }, { cause });
}
