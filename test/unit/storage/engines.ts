/** The engines that the contracts of shared values and of job records run on; another one is added here. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobStore } from '../../../src/core/job-store.ts';
import type { Clock, Log } from '../../../src/core/ports.ts';
import type { SharedValues } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileJobStore, createFileValues } from '../../../src/storage/file-stores.ts';
import { createDiskFiles, type FileSystem } from '../../../src/storage/file-system.ts';
import { createUnkeptValues } from '../../../src/storage/nothing-kept.ts';
import { MemoryDisk } from '../../prove/memory-disk.ts';
import { createMemoryJobStore } from '../../support/memory-storage.ts';

/** Awaited before whatever others can see: where a process may stand still. */
export type Step = (label: string) => Promise<void>;

export type StoredProcess = { values: SharedValues; jobs: JobStore };

export type Engine = {
  /** One more process with the same values and records. */
  addProcess(options?: { step?: Step; clock?: Clock }): StoredProcess;
  /** Removes what only makes finding quicker. */
  forgetHints(): Promise<void>;
  close(): Promise<void>;
};

const NEVER: Step = async () => undefined;
export const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };

function inMemory(): Engine {
  const values = createUnkeptValues();
  const jobs = createMemoryJobStore();
  return {
    addProcess({ step = NEVER } = {}) {
      return {
        values: {
          location: values.location,
          open(spec) {
            const value = values.open(spec);
            return {
              read: () => step('read').then(() => value.read()),
              replace: (...change) => step('replace').then(() => value.replace(...change)),
            };
          },
        },
        jobs: {
          ...jobs,
          add: (job) => step('add').then(() => jobs.add(job)),
          read: (id) => step('read').then(() => jobs.read(id)),
          replace: (...change) => step('replace').then(() => jobs.replace(...change)),
        },
      };
    },
    forgetHints: async () => undefined,
    close: async () => undefined,
  };
}

/** @param viewOf what one process sees */
function onFiles(folder: string, viewOf: (step: Step) => FileSystem, close: () => Promise<void>): Engine {
  return {
    addProcess({ step = NEVER, clock = systemClock } = {}) {
      const deps = { clock, log: QUIET, files: viewOf(step) };
      return { values: createFileValues(join(folder, 'shared'), deps), jobs: createFileJobStore(folder, deps) };
    },
    forgetHints: () => viewOf(NEVER).remove(join(folder, 'hints')),
    close,
  };
}

function onRealDisk(): Engine {
  const folder = mkdtempSync(join(tmpdir(), 'flux-engine-'));
  const files = createDiskFiles(systemClock);
  return onFiles(
    folder,
    (step) => ({
      create: (...args) => step('create').then(() => files.create(...args)),
      readText: (path) => step('read').then(() => files.readText(path)),
      link: (...args) => step('link').then(() => files.link(...args)),
      rename: (...args) => step('rename').then(() => files.rename(...args)),
      list: (path) => step('list').then(() => files.list(path)),
      remove: (path) => step('remove').then(() => files.remove(path)),
      stat: (path) => step('stat').then(() => files.stat(path)),
      makeFolder: (path) => step('mkdir').then(() => files.makeFolder(path)),
      syncFolder: (path) => step('sync').then(() => files.syncFolder(path)),
    }),
    () => files.remove(folder),
  );
}

/** @param hasLinks false: as on exFAT */
function onMemoryDisk(hasLinks: boolean): Engine {
  let time = 0;
  const disk = new MemoryDisk({ holds: { '/user/': '' }, hasLinks, now: () => ++time });
  return onFiles(
    '/user/state',
    (step) => disk.processView({ before: ({ call }) => step(call) }),
    async () => undefined,
  );
}

export const ENGINES: readonly (readonly [string, () => Engine])[] = [
  ['in memory', inMemory],
  ['on files', onRealDisk],
  ['on files of a disk in memory', () => onMemoryDisk(true)],
  ['on files of a disk in memory without hard links', () => onMemoryDisk(false)],
];
