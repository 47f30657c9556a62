/** Storage that lives with the test: the ports of records, shared values and events without a disk. */
import { dedupeKey } from '../../src/core/image-request.ts';
import { GIVEN_UP, isSettled, type Job } from '../../src/core/job.ts';
import { BoundedMap } from '../../src/core/primitives.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { JobEvents, JobStore, StoredJob } from '../../src/core/job-store.ts';
import { NO_VERSION, SharedState } from '../../src/core/shared-value.ts';
import { Limits, type LimitsDeps } from '../../src/limits/limits.ts';
import { createUnkeptValues } from '../../src/storage/nothing-kept.ts';

export function createMemoryLimits(deps: Omit<LimitsDeps, 'jobs'>): Limits {
  return new Limits(createUnkeptValues(), { ...deps, jobs: async () => [] });
}

export const createGivenUp = (clock: Clock): SharedState<readonly string[]> =>
  new SharedState<readonly string[]>(createUnkeptValues(), GIVEN_UP, clock);

export function createMemoryJobStore(): JobStore {
  const jobs = new Map<string, StoredJob>();
  // As their ids sort: ids tell the time.
  const list = () => [...jobs.values()].map(({ value }) => value).sort((one, other) => (one.id < other.id ? 1 : -1));
  return {
    location: 'memory',
    async add(job) {
      jobs.set(job.id, { value: job, version: NO_VERSION });
    },
    read: async (id) => jobs.get(id),
    async replace({ version }, job) {
      if (jobs.get(job.id)?.version !== version) return 'conflict';
      jobs.set(job.id, { value: job, version: { number: version.number + 1, changes: [] } });
      return 'done';
    },
    async remove({ value: { id }, version }) {
      if (jobs.get(id)?.version !== version) return 'conflict';
      jobs.delete(id);
      return 'done';
    },
    find: async (id) => jobs.get(id)?.value ?? list().find((job) => job.remoteId === id),
    async *newest(before) {
      for (const job of list()) if (before === undefined || job.id < before) yield job;
    },
    open: async () => list().filter((job) => !isSettled(job)),
    async equal(key, since) {
      const isEqual = ({ createdAt, savedAt = 0, request, nth }: Job): boolean =>
        (createdAt >= since || savedAt > createdAt + DAY_MS) && dedupeKey(request, nth) === key;
      return list().filter(isEqual);
    },
  };
}

const DAY_MS = 24 * 60 * 60_000;

/** A mark that nobody was waiting for is news for so long. */
const NEWS_FOR_MS = 60_000;
const KEPT_MARKERS = 1_000;

export function createMemoryEvents(clock: Pick<Clock, 'now'>): JobEvents {
  const listeners = new Set<{ remoteId: string; onEvent: () => void }>();
  const unreported = new BoundedMap<string, number>(KEPT_MARKERS);
  let last = Number.NEGATIVE_INFINITY;
  return {
    async addMarker(remoteId) {
      last = clock.now();
      unreported.delete(remoteId);
      const concerned = [...listeners].filter((listener) => listener.remoteId === remoteId);
      if (concerned.length === 0) unreported.set(remoteId, last);
      for (const { onEvent } of concerned) onEvent();
    },
    listen(remoteId, onEvent) {
      const at = unreported.get(remoteId);
      unreported.delete(remoteId);
      if (at !== undefined && clock.now() - at < NEWS_FOR_MS) queueMicrotask(onEvent);
      const listener = { remoteId, onEvent };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    lastMarkerAt: async () => last,
  };
}
