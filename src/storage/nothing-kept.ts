/** What stands in for the state folder where there is none: without a key, or when it takes no files and is only examined. */
import type { JobEvents } from '../core/job-events.ts';
import type { JobStore } from '../core/job-store.ts';
import {
  NO_VERSION,
  type SharedValue,
  type SharedValues,
  type ValueSpec,
  type Versioned,
} from '../core/shared-value.ts';

const LOCATION = 'memory';

/** For as long as the process lives. */
export function createUnkeptValues(): SharedValues {
  const known = new Map<string, Versioned<unknown>>();
  function open<Value>({ name, initial }: ValueSpec<Value>): SharedValue<Value> {
    return {
      async read() {
        const found = (known.get(name) as Versioned<Value> | undefined) ?? {
          value: await initial(),
          version: NO_VERSION,
        };
        known.set(name, found);
        return found;
      },
      async replace(version, value) {
        if (known.get(name)?.version !== version) return 'conflict';
        known.set(name, { value, version: { number: version.number + 1, changes: [] } });
        return 'done';
      },
    };
  }
  return { location: LOCATION, open };
}

/** Holds no job, and takes none. */
export const noJobStore: JobStore = {
  location: LOCATION,
  add: async () => {
    throw new Error('no job is recorded without a key');
  },
  read: async () => undefined,
  replace: async () => 'conflict',
  find: async () => undefined,
  list: async () => [],
};

/** No job, no news. */
export const noEvents: JobEvents = {
  addMarker: async () => undefined,
  subscribe: (_, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    }),
  lastMarkerAt: async () => undefined,
};
