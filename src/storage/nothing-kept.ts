/** What stands in for the state folder where there is none: without a key, or when it takes no files and is only examined. */
import type { JobStore } from '../core/job-store.ts';
import type { Liveness, Owner } from '../core/ports.ts';
import { NO_VERSION, type SharedValues, type ValueSpec, type Versioned } from '../core/shared-value.ts';

/** For as long as the process lives. */
export function createUnkeptValues(): SharedValues {
  const known = new Map<string, Versioned<unknown>>();
  return {
    location: 'memory',
    open: <Value>({ name, initial }: ValueSpec<Value>) => ({
      async read() {
        const found = known.get(name) ?? { value: await initial(), version: NO_VERSION };
        known.set(name, found);
        return found as Versioned<Value>;
      },
      async replace(version, value) {
        if (known.get(name)?.version !== version) return 'conflict';
        known.set(name, { value, version: { number: version.number + 1, changes: [] } });
        return 'done';
      },
    }),
  };
}

/** Holds no job. Without a key no order comes as far as a record. */
export const noJobStore: JobStore = {
  location: 'memory',
  add: () => Promise.reject(new Error('there is no folder for records')),
  read: async () => undefined,
  replace: async () => 'conflict',
  remove: async () => 'conflict',
  find: async () => undefined,
  async *newest() {},
  open: async () => [],
  equal: async () => [],
};

/** Nobody else can see what this process does, nor leave anything to it. */
export const aloneHere = (self: Owner): Liveness => ({
  self,
  begin: async () => () => undefined,
  stateOf: async ({ session }) => (session === self.session ? 'alive' : 'silent'),
  close: async () => undefined,
});
