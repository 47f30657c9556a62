/** Of which jobs the service has announced a change, reported to all processes by a shared value. */
import * as z from 'zod';
import { BoundedMap } from '../core/primitives.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { JobEvents } from '../core/job-store.ts';
import { SharedState, type SharedValues } from '../core/shared-value.ts';

const CHECK_EVERY_MS = 250;
/** A marker this young may be news to a process that checks for the first time. */
const NEWS_FOR_MS = 60_000;
const KEPT_FOR_MS = 24 * 60 * 60_000;
/** So many events later nobody waits for the oldest any more. */
const KEPT_MARKERS = 1_000;

/** One for each job, the newest first. `at`: epoch milliseconds, more with each marker of the job. */
const markersSchema = z.array(z.object({ remoteId: z.string(), at: z.number() })).readonly();

/** @param values of one service and key */
export function createJobEvents(values: SharedValues, { clock, log }: { clock: Clock; log: Log }): JobEvents {
  const markers = new SharedState(values, { name: 'events', schema: markersSchema, initial: () => [] }, clock);
  /** Those of this process. */
  const listeners = new Set<{ remoteId: string; onEvent: () => void }>();
  /** The markers that this process knows, by job; one that is forgotten costs one poll of a job. */
  const known = new BoundedMap<string, number>(2 * KEPT_MARKERS);
  let hasChecked = false;
  let isChecking = false;
  let warned = false;

  const ageOf = (at: number): number => Math.abs(clock.now() - at);

  async function check(): Promise<void> {
    for (const { remoteId, at } of await markers.read()) {
      if (known.get(remoteId) === at) continue;
      const isOld = !hasChecked && ageOf(at) >= NEWS_FOR_MS;
      const concerned = [...listeners].filter((listener) => listener.remoteId === remoteId);
      // Of a job for which nobody listens at the moment it stays news for the next one who does.
      if (isOld || concerned.length > 0) known.set(remoteId, at);
      if (!isOld) for (const { onEvent } of concerned) onEvent();
    }
    hasChecked = true;
  }

  /** One check serves all listeners of this process. */
  async function keepChecking(): Promise<void> {
    if (isChecking) return;
    isChecking = true;
    while (listeners.size > 0) {
      await check().catch((error: unknown) => {
        if (!warned) log.warn('the markers of webhooks cannot be read; jobs are polled', { error: String(error) });
        warned = true;
      });
      await clock.sleep(CHECK_EVERY_MS);
    }
    isChecking = false;
  }

  return {
    addMarker: (remoteId) =>
      markers.update((before) => {
        const last = before.find((marker) => marker.remoteId === remoteId);
        const others = before.filter((marker) => marker !== last && ageOf(marker.at) <= KEPT_FOR_MS);
        const at = Math.max(clock.now(), (last?.at ?? 0) + 1);
        return [{ remoteId, at }, ...others].slice(0, KEPT_MARKERS);
      }),
    listen(remoteId, onEvent) {
      const listener = { remoteId, onEvent };
      listeners.add(listener);
      void keepChecking();
      return () => void listeners.delete(listener);
    },
    async lastMarkerAt() {
      return Math.max(...(await markers.read().catch(() => [])).map(({ at }) => at));
    },
  };
}
