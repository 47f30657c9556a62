/** Job records on disk, one file each, shared by all processes that work with the same service and key. */
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import { JOB_ID, type Job } from '../core/job.ts';
import type { JobLedger } from '../core/job-ledger.ts';
import { readRecord, recordText } from '../core/job-record.ts';
import type { Log } from '../core/log.ts';
import type { Processes } from '../core/processes.ts';
import { writeAtomic } from './atomic-file.ts';
import { errorCode } from './error-code.ts';
import { FileLock } from './file-lock.ts';

export type FileLedgerParts = { clock: Clock; log: Log; processes: Processes };

/** Files read at a time when all are listed. */
const PARALLEL_READS = 32;

/** @param folder absolute; of this service and key alone. Made when the first record is written. */
export function createFileLedger(folder: string, parts: FileLedgerParts): JobLedger {
  const lock = new FileLock(parts.processes, parts.clock);
  const jobs = join(folder, 'jobs');
  const pathOf = (id: string): string => join(jobs, `${id}.json`);

  /** `undefined`: there is no such record, or it is damaged and was set aside. */
  async function read(id: string): Promise<{ job: Job; readOnly: boolean } | undefined> {
    const text = await readFile(pathOf(id), 'utf8').catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw cannot('read', pathOf(id), error);
    });
    if (text === undefined) return undefined;
    const record = readRecord(text);
    if (record.type === 'damaged') {
      await setAside(id, record.reason);
      return undefined;
    }
    if (record.type === 'newer' && record.job === undefined)
      parts.log.warn('a job record of a newer version cannot be read here', { id });
    return record.job === undefined ? undefined : { job: record.job, readOnly: record.type === 'newer' };
  }

  /** A damaged record is kept for a person to look at: it may be all that is left of a paid job. */
  async function setAside(id: string, reason: string): Promise<void> {
    const aside = join(folder, 'damaged', `${id}.${parts.clock.now()}.json`);
    parts.log.error('a damaged job record was set aside', { id, reason, file: aside });
    await mkdir(join(folder, 'damaged'), { recursive: true, mode: 0o700 });
    await rename(pathOf(id), aside).catch(() => undefined);
  }

  /** A new job's record that cannot be kept means that nothing was sent; a known job's may be paid for. */
  async function write(job: Job, spent: 'no' | 'maybe'): Promise<void> {
    try {
      await writeAtomic(pathOf(job.id), recordText(job), parts.clock);
    } catch (error) {
      throw cannot('write', pathOf(job.id), error, spent);
    }
  }

  async function ids(): Promise<string[]> {
    const names = await readdir(jobs).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw cannot('read', jobs, error);
    });
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  }

  async function list(): Promise<Job[]> {
    const found: Job[] = [];
    const waiting = (await ids()).filter((id) => JOB_ID.test(id));
    const reader = async (): Promise<void> => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const record = await read(id);
        if (record !== undefined) found.push(record.job);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_READS }, reader));
    return found.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
  }

  return {
    async add(job) {
      try {
        await mkdir(jobs, { recursive: true, mode: 0o700 });
      } catch (error) {
        throw cannot('make', jobs, error);
      }
      await write(job, 'no');
    },
    async update(id, change) {
      if (!JOB_ID.test(id) || (await read(id)) === undefined) return undefined;
      return lock.hold(join(jobs, `${id}.lock`), async () => {
        const record = await read(id);
        if (record === undefined) return undefined;
        const next = change(record.job);
        if (next === record.job) return next;
        if (record.readOnly) throw readOnly(id);
        const stamped = { ...next, updatedAt: parts.clock.now() };
        await write(stamped, stamped.state === 'submitting' && record.job.state === 'queued' ? 'no' : 'maybe');
        return stamped;
      });
    },
    async find(id) {
      const own = JOB_ID.test(id) ? (await read(id))?.job : undefined;
      return own ?? (await list()).find((job) => job.remoteId === id);
    },
    list,
  };
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
