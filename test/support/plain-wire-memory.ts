/** What was found out about a service, kept for as long as a test wants: between providers, as between processes. */
import type { WireFacts, WireMemory } from '../../src/core/wire-memory.ts';

export type PlainWireMemory = WireMemory & {
  /** What the next process will recall. */
  known(): WireFacts | undefined;
  /** How often something was written. */
  writes(): number;
};

export function createPlainWireMemory(facts?: WireFacts): PlainWireMemory {
  // As text, because a real one goes through a file.
  let kept = facts === undefined ? undefined : JSON.stringify(facts);
  let writes = 0;
  let keysIgnored = false;
  const known = (): WireFacts | undefined => (kept === undefined ? undefined : (JSON.parse(kept) as WireFacts));
  return {
    known,
    writes: () => writes,
    keys: {
      areIgnored: async () => keysIgnored,
      async noteIgnored() {
        keysIgnored = true;
      },
    },
    recall: async () => known(),
    async remember(news) {
      writes += 1;
      kept = JSON.stringify(news);
    },
  };
}
