/** One process of the program in a virtual world: the real job service, wired as `app.ts` does, on a disk in memory. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { join, posix } from 'node:path';
import { FluxError } from '../../src/core/failure.ts';
import { idAt } from '../../src/runtime/system.ts';
import { SharedState } from '../../src/core/shared-value.ts';
import { createWireMemory } from '../../src/core/wire-memory.ts';
import { GIVEN_UP } from '../../src/core/job.ts';
import { openAndRecentJobs } from '../../src/core/job-store.ts';
import type { ImageStore } from '../../src/core/image-store.ts';
import type { StorageReason } from '../../src/core/reasons.ts';
import type { JobsSettings } from '../../src/jobs/deps.ts';
import { ImageJobs } from '../../src/jobs/image-jobs.ts';
import { JobRecords } from '../../src/jobs/job-records.ts';
import { Limits } from '../../src/limits/limits.ts';
import type { Plan } from '../../src/limits/plan.ts';
import type { ToolContext } from '../../src/mcp/tool.ts';
import { createDurationMemory } from '../../src/polling/durations.ts';
import { createJobEvents } from '../../src/polling/event-markers.ts';
import { errorCode } from '../../src/storage/disk-errors.ts';
import { type FileSystem, makeFolder } from '../../src/storage/file-system.ts';
import { createFileJobStore, createFileValues } from '../../src/storage/file-stores.ts';
import { Heartbeats } from '../../src/storage/presence.ts';
import { monthFolder, pictureFileName } from '../../src/storage/image-folder.ts';
import { heartbeatsFolder, sharedFolder } from '../../src/storage/paths.ts';
import { QUIET } from '../unit/storage/engines.ts';
import type { Hooks, MemoryDisk } from './memory-disk.ts';
import type { VirtualProcess } from './virtual-process.ts';
import { downloadOf, providerOf, type VirtualService } from './virtual-service.ts';

/** Its parent has always been there; the folder itself is made by the first order. */
export const STATE = '/user/state/doitong';
export const PICTURES = '/user/pictures';

export type ProgramSettings = { plan: Plan; maxCreditsPerDay: number };

export type Program = {
  process: VirtualProcess;
  jobs: ImageJobs;
  /** In which records and heartbeats name it. */
  session: string;
  /** For a handler of a tool. */
  context(signal: AbortSignal): ToolContext;
};

/** Idempotency keys that were made in one call: several calls of one process may be under way. */
export const keysOfCall = new AsyncLocalStorage<Set<string>>();

export function startProgram(
  process: VirtualProcess,
  {
    disk,
    service,
    settings,
    session,
    hooks = {},
  }: {
    disk: MemoryDisk;
    service: VirtualService;
    settings: ProgramSettings;
    session: string;
    /** Of its view of the disk; `before` comes after the step of the process. */
    hooks?: Hooks;
  },
): Program {
  const { clock } = process;
  const files = disk.processView({
    ...hooks,
    async before(operation) {
      await process.step(`${operation.call} ${operation.path}`);
      await hooks.before?.(operation);
    },
  });
  const deps = { clock, log: QUIET, files };
  const jobStore = createFileJobStore(STATE, { ...deps, outputFolder: PICTURES });
  const values = createFileValues(sharedFolder(STATE), deps);
  const owner = { pid: 1, host: 'here', session };
  const liveness = new Heartbeats(owner, heartbeatsFolder(STATE), deps);
  const { plan, maxCreditsPerDay } = settings;
  const jobsSince = (at: number) => openAndRecentJobs(jobStore, at);
  const limits = new Limits(values, { clock, log: QUIET, plan, duplicateHours: 24, jobs: jobsSince });
  let made = 0;
  let keys = 0;
  const jobs = new ImageJobs(
    {
      records: new JobRecords(jobStore, limits, clock),
      limits,
      provider: providerOf(service, process, limits),
      keys: createWireMemory(values, 'service', clock).keys,
      download: downloadOf(service, process),
      store: pictureFolder(files, session),
      preview: { fit: async () => undefined, sheet: async () => undefined, close: async () => undefined },
      events: createJobEvents(values, deps),
      durations: createDurationMemory(values, clock),
      givenUp: new SharedState<readonly string[]>(values, GIVEN_UP, clock),
      clock,
      log: QUIET,
      ids: {
        jobIds: (at) => () => idAt(at, `${session}${(++made).toString(36)}`.padStart(11, '0').slice(-11)),
        idempotencyKey() {
          const key = `${session}-key-${++keys}`;
          keysOfCall.getStore()?.add(key);
          return key;
        },
      },
      liveness,
      checkFolders: foldersCheck(files, session),
    },
    { ...OTHER_SETTINGS, maxCreditsPerDay },
  );
  return {
    ...{ process, jobs, session },
    context: (signal) => ({
      jobs: async () => jobs,
      redact: (text) => text,
      sandbox: false,
      // Shorter than the default: who waits looks ten times a second, and a repeated call is what matters here.
      defaultWaitSeconds: 20,
      clock,
      signal,
      progress: () => undefined,
      canAsk: false,
      answer: undefined,
    }),
  };
}

/** The defaults; nobody is asked about prices here. */
const OTHER_SETTINGS: Omit<JobsSettings, 'maxCreditsPerDay'> = {
  maxCreditsPerCall: 500,
  maxImagesPerDay: 10_000,
  confirmAboveCredits: 1_000_000,
  lowCreditsAlert: 0,
  duplicateHours: 24,
  sandbox: false,
};

/** As `folders.ts` tries them: that one is not tried with every order is left out. */
function foldersCheck(files: FileSystem, session: string): () => Promise<void> {
  let number = 0;
  const check = async (folder: string, contents: 'pictures' | 'records'): Promise<void> => {
    number += 1;
    const file = join(folder, `.check-${session}-${number}`);
    try {
      await makeFolder(folder, files);
      await files.create(file, 'written to see whether files can be written here', true);
      await files.syncFolder(folder);
    } catch (error) {
      const reason = { code: 'folder_not_usable', contents, folder, problem: errorCode(error) } as const;
      throw new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'no', retry: 'no' }, { cause: error });
    } finally {
      await files.remove(file).catch(() => undefined);
    }
  };
  return async () => void (await Promise.all([check(PICTURES, 'pictures'), check(STATE, 'records')]));
}

/** As `image-folder.ts` writes them, without what it does about links: a part file, a second name, the folder forced. */
function pictureFolder(files: FileSystem, session: string): ImageStore {
  const failed = (reason: StorageReason, cause: unknown): FluxError =>
    new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'yes', retry: 'same_job' }, { cause });
  let parts = 0;
  return {
    async save({ bytes, extension }, label) {
      const folder = join(PICTURES, monthFolder(label.createdAt));
      const file = join(folder, pictureFileName(label, extension));
      const text = Buffer.from(bytes).toString();
      parts += 1;
      const part = `${file}.${session}-${parts}.part`;
      try {
        await makeFolder(folder, files);
        await files.create(part, text, true);
        await files.link(part, file).catch(async (error: unknown) => {
          // Somebody who has taken the job over was faster, with the very same picture.
          if (errorCode(error) !== 'EEXIST' || (await files.readText(file)) !== text) throw error;
        });
        await files.create(`${posix.join(folder, posix.parse(file).name)}.json`, '{}', false).catch(() => undefined);
        await files.syncFolder(folder);
        return file;
      } catch (error) {
        throw failed({ code: 'picture_not_saved', folder, problem: errorCode(error) }, error);
      } finally {
        await files.remove(part).catch(() => undefined);
      }
    },
    async read(file) {
      try {
        const text = await files.readText(file);
        if (text !== undefined) return Buffer.from(text);
      } catch (error) {
        throw failed({ code: 'picture_not_readable', file, error: errorCode(error) }, error);
      }
      throw failed({ code: 'picture_replaced', file, by: 'no_file' }, undefined);
    },
  };
}
