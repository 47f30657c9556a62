/** Job records on disk, one file each, shared by all processes that work with the same service and key. */
import { rmSync, statSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import { JOB_ID, type Job } from '../core/job.ts';
import { newestFirst } from '../core/job-page.ts';
import { type RecordReading, readRecord, recordText } from '../core/job-record.ts';
import type { JobStore } from '../core/job-store.ts';
import type { Log } from '../core/log.ts';
import type { Processes } from '../core/processes.ts';
import { writeAtomic } from './atomic-file.ts';
import { errorCode, isAbsent } from './error-code.ts';
import { type AssertHeld, FileLock, LockLost } from './file-lock.ts';
import { LockMarks } from './lock-marks.ts';
import { makeFolder } from './make-folder.ts';
import { NOT_REGULAR, readText } from './read-text.ts';
import { withAbsolutePath, withRecordedPath } from './recorded-path.ts';

export type FileJobStoreDeps = {
  clock: Clock;
  log: Log;
  processes: Processes;
  /** Absolute; records name pictures relative to it. Absent: as they are. */
  outputFolder?: (() => Promise<string>) | undefined;
};

/** Beside the folder of the records. */
const DAMAGED = 'damaged';
/**
 * How long all records are read at a stretch before others get their turn. Without promises: thousands of small files
 * that the system holds in memory are read in less time than Node needs to hand each of them to a thread and back.
 */
const STRETCH_MS = 4;
/** Longer than a record. */
const READ_BYTES = 65_536;
/** Jobs that are found by the service's id without a look at all records. */
const HINTS_MAX = 2_000;
const LEFTOVER = /\.(?:part|orphan)$/u;
const LEFTOVER_AGE_MS = 60 * 60_000;

/** @param folder absolute; of this service and key alone. Made when the first record is written. */
export function createFileJobStore(folder: string, deps: FileJobStoreDeps): JobStore {
  const lock = new FileLock(deps.processes, deps.clock, new LockMarks(deps.processes));
  const jobs = join(folder, 'jobs');
  const pathOf = (id: string): string => join(jobs, `${id}.json`);
  /** Where a record was that held this id of the service: a hint that is looked at, never believed. */
  const idsByRemoteId = new Map<string, string>();

  /** `undefined`: there is no such record, or it is damaged and was set aside. */
  async function read(id: string): Promise<{ job: Job; readOnly: boolean } | undefined> {
    const text = textAt(pathOf(id));
    return text === undefined ? undefined : usable(id, readingOf(text));
  }

  let output: Promise<string> | undefined;
  /** Asked once: the user's folders stay where they are while the process lives. */
  async function withFile(job: Job, path: (job: Job, outputFolder: string) => Job): Promise<Job> {
    if (job.file === undefined || deps.outputFolder === undefined) return job;
    output ??= deps.outputFolder();
    return path(job, await output);
  }

  async function usable(id: string, record: RecordReading): Promise<{ job: Job; readOnly: boolean } | undefined> {
    if (record.type === 'damaged') {
      await setAside(id, record.reason);
      return undefined;
    }
    if (record.type === 'newer' && record.job === undefined)
      deps.log.warn('a job record of a newer version cannot be read here', { id });
    if (record.job === undefined) return undefined;
    return { job: await withFile(record.job, withAbsolutePath), readOnly: record.type === 'newer' };
  }

  /** A damaged record is kept for a person to look at: it may be all that is left of a paid job. */
  async function setAside(id: string, reason: string): Promise<void> {
    const aside = join(folder, DAMAGED, `${id}.${deps.clock.now()}.json`);
    deps.log.error('a damaged job record was set aside', { id, reason, file: aside });
    await makeFolder(join(folder, DAMAGED));
    await rename(pathOf(id), aside).catch(() => undefined);
  }

  /** A new job's record that cannot be kept means that nothing was sent; a known job's may be paid for. */
  async function write(job: Job, spent: 'no' | 'maybe', assertHeld?: AssertHeld): Promise<void> {
    try {
      await writeAtomic(pathOf(job.id), recordText(await withFile(job, withRecordedPath)), deps.clock, {
        durability: 'machine',
        before: assertHeld,
      });
    } catch (error) {
      if (error instanceof LockLost) throw error;
      throw cannot('write', pathOf(job.id), error, spent);
    }
  }

  /** Changes of a record wait for each other; without the lock nothing is changed. */
  async function locked<Value>(id: string, work: (assertHeld: AssertHeld) => Promise<Value>): Promise<Value> {
    const path = join(jobs, `${id}.lock`);
    try {
      return await lock.hold(path, work);
    } catch (error) {
      if (error instanceof FluxError) throw error;
      const spent = (await read(id))?.job.state === 'queued' ? 'no' : 'maybe';
      throw cannot('lock', path, error, spent);
    }
  }

  async function ids(): Promise<string[]> {
    const names = await readdir(jobs).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw cannot('read', jobs, error);
    });
    for (const name of names) if (LEFTOVER.test(name)) removeOld(join(jobs, name));
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  }

  /** What a killed process left half written. A young one may belong to a process that lives. */
  function removeOld(path: string): void {
    try {
      if (deps.clock.now() - statSync(path).mtimeMs > LEFTOVER_AGE_MS) rmSync(path, { force: true });
    } catch {
      // Another process has removed it.
    }
  }

  /** Newest first. @param mayBe leaves texts out before they are understood, which costs as much as reading them */
  async function all(mayBe: (text: string) => boolean = () => true): Promise<Job[]> {
    const found: Job[] = [];
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let until = deps.clock.monotonic() + STRETCH_MS;
    for (const id of (await ids()).filter((name) => JOB_ID.test(name))) {
      if (deps.clock.monotonic() > until) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        until = deps.clock.monotonic() + STRETCH_MS;
      }
      const text = textAt(pathOf(id), buffer);
      if (text === undefined || (text !== NO_FILE && !mayBe(text))) continue;
      const record = readingOf(text);
      // Without a turn for others where none is needed: there may be many.
      const isPlain = record.type === 'job' && record.job.file === undefined;
      const job = isPlain ? record.job : (await usable(id, record))?.job;
      if (job !== undefined) found.push(job);
    }
    return found.sort(newestFirst);
  }

  function hint(remoteId: string, id: string): void {
    idsByRemoteId.set(remoteId, id);
    const [oldest] = idsByRemoteId.keys();
    if (idsByRemoteId.size > HINTS_MAX && oldest !== undefined) idsByRemoteId.delete(oldest);
  }

  async function findRemote(remoteId: string): Promise<Job | undefined> {
    const known = idsByRemoteId.get(remoteId);
    const job = known === undefined ? undefined : (await read(known))?.job;
    if (job?.remoteId === remoteId) return job;
    const encodedId = JSON.stringify(remoteId);
    const found = (await all((text) => text.includes(encodedId))).find((other) => other.remoteId === remoteId);
    if (found !== undefined) hint(remoteId, found.id);
    return found;
  }

  return {
    location: folder,
    async add(job) {
      try {
        await makeFolder(jobs);
      } catch (error) {
        throw cannot('make', jobs, error);
      }
      await write(job, 'no');
    },
    async update(id, change) {
      if (!JOB_ID.test(id)) return undefined;
      return locked(id, async (assertHeld) => {
        const record = await read(id);
        if (record === undefined) return undefined;
        const next = change(record.job);
        if (next === record.job) return next;
        if (record.readOnly) throw readOnly(id);
        const stamped = { ...next, updatedAt: deps.clock.now() };
        const neverSent = stamped.state === 'submitting' && record.job.state === 'queued';
        await write(stamped, neverSent ? 'no' : 'maybe', assertHeld);
        if (stamped.remoteId !== undefined) hint(stamped.remoteId, id);
        return stamped;
      });
    },
    async find(id) {
      const own = JOB_ID.test(id) ? (await read(id))?.job : undefined;
      return own ?? findRemote(id);
    },
    list: () => all(),
  };
}

/** Where damaged records of this folder were set aside, and how many still lie there. */
export async function damagedRecords(folder: string): Promise<{ folder: string; count: number }> {
  const aside = join(folder, DAMAGED);
  const names = await readdir(aside).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw cannot('read', aside, error);
  });
  return { folder: aside, count: names.length };
}

/** A folder, a FIFO or a device lies in the place of the record. */
const NO_FILE = Symbol('no file');

/** @returns `undefined` when there is nothing of that name */
function textAt(path: string, buffer?: Buffer): string | typeof NO_FILE | undefined {
  try {
    return readText(path, buffer);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    if (errorCode(error) === NOT_REGULAR) return NO_FILE;
    throw cannot('read', path, error);
  }
}

function readingOf(text: string | typeof NO_FILE): RecordReading {
  return text === NO_FILE ? { type: 'damaged', reason: 'it is not a regular file' } : readRecord(text);
}

function cannot(what: string, path: string, cause: unknown, creditsSpent: 'no' | 'maybe' = 'no'): FluxError {
  return new FluxError(
    {
      kind: 'storage_failed',
      message: `The job records cannot be kept: failed to ${what} ${path} (${errorCode(cause)}).`,
      creditsSpent,
      retry: 'no',
      remedy: 'Ask the user to make room there, or to set FLUX_STATE_DIR to a folder that can be written.',
    },
    { cause },
  );
}

function readOnly(id: string): FluxError {
  return new FluxError({
    kind: 'storage_failed',
    message: `The record of ${id} was written by a newer version of flux-pro-mcp and is not changed by this one.`,
    creditsSpent: 'maybe',
    retry: 'no',
    remedy: 'Ask the user to update flux-pro-mcp.',
  });
}
