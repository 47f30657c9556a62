/** The real job service in virtual time, with its own limits, poller and schedule, in front of a virtual service. */
import type { Job } from '../../src/core/job.ts';
import type { JobStore } from '../../src/core/job-store.ts';
import type { Log } from '../../src/core/ports.ts';
import { ImageJobs } from '../../src/jobs/image-jobs.ts';
import { JobRecords } from '../../src/jobs/job-records.ts';
import type { Plan } from '../../src/limits/plan.ts';
import { createDurationMemory } from '../../src/polling/durations.ts';
import { aloneHere, createUnkeptValues } from '../../src/storage/nothing-kept.ts';
import {
  createGivenUp,
  createMemoryEvents,
  createMemoryJobStore,
  createMemoryLimits,
} from '../../test/support/memory-storage.ts';
import { type Durations, seeded } from './random.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
import { VirtualService } from './virtual-service.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const SELF = { pid: 1, host: 'virtual', session: 'one' };

export type VirtualApp = {
  jobs: ImageJobs;
  clock: VirtualClock;
  service: VirtualService;
  /** When the record of each job first said that it is at its end, by its id at the service; virtual milliseconds. */
  noticedAt: ReadonlyMap<string, number>;
};

export function createVirtualApp(options: { plan: Plan; durations: Durations; seed: number }): VirtualApp {
  const { plan, durations, seed } = options;
  const clock = createVirtualClock(seeded(seed));
  const limits = createMemoryLimits({ clock, log: silent, plan });
  const service = new VirtualService({ clock, limits, plan, durations, random: seeded(seed + 1) });
  const noticedAt = new Map<string, number>();
  const jobStore = noticing(createMemoryJobStore(), ({ state, remoteId }) => {
    if (state === 'completed' && remoteId !== undefined && !noticedAt.has(remoteId))
      noticedAt.set(remoteId, clock.monotonic());
  });
  let count = 0;
  const jobs = new ImageJobs(
    {
      records: new JobRecords(jobStore, limits, clock),
      limits,
      keys: { areIgnored: async () => false, noteIgnored: async () => undefined },
      provider: service,
      download: { fetch: async () => ({ bytes: new Uint8Array(), mediaType: 'image/jpeg', extension: 'jpg' }) },
      store: {
        save: async (_, { jobId }) => `/pictures/${jobId}.jpg`,
        read: async () => new Uint8Array(),
      },
      preview: { fit: async () => undefined, sheet: async () => undefined, close: async () => undefined },
      events: createMemoryEvents(clock),
      givenUp: createGivenUp(clock),
      durations: createDurationMemory(createUnkeptValues(), clock),
      clock,
      log: silent,
      ids: { jobIds: () => () => `job_${++count}`, idempotencyKey: () => `key-${count}` },
      checkFolders: async () => undefined,
      liveness: aloneHere(SELF),
    },
    {
      sandbox: false,
      maxCreditsPerDay: 1e8,
      maxCreditsPerCall: 1e8,
      maxImagesPerDay: 1e6,
      confirmAboveCredits: 1e8,
      lowCreditsAlert: 0,
      duplicateHours: 24,
    },
  );
  return { jobs, clock, service, noticedAt };
}

function noticing(jobStore: JobStore, onChange: (job: Job) => void): JobStore {
  return {
    ...jobStore,
    async replace(seen, job) {
      const replacement = await jobStore.replace(seen, job);
      if (replacement === 'done') onChange(job);
      return replacement;
    },
  };
}
