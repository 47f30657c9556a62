/** Markers of events: empty files in the state folder, in whose names all processes read that something happened. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BoundedMap } from '../core/bounded-map.ts';
import type { Clock } from '../core/clock.ts';
import type { JobEvents } from '../core/job-events.ts';
import type { Log } from '../core/log.ts';
import { Wakeup } from '../core/wakeup.ts';
import { errorCode, makeFolder } from './disk.ts';

/** A timer rather than the system's notifications of folders, which are silent on some file systems. */
const CHECK_EVERY_MS = 250;
/** A marker this young may be news to a process that checks for the first time. */
const NEWS_FOR_MS = 60_000;
const KEPT_FOR_MS = 24 * 60 * 60_000;
/** More would make each check expensive; so many events later nobody waits for the oldest any more. */
const KEPT_MARKERS = 1_000;

/** A job, the time in epoch milliseconds, and what tells two markers of one moment apart. */
const MARKER = /^([0-9a-f]{32})\.(\d{15})\.[0-9a-f]{8}$/u;
type EventMarker = { name: string; job: string; at: number };

/** @param folder absolute; of this service and key alone. `events` in it is made with the first marker. */
export function createFileEvents(folder: string, { clock, log }: { clock: Clock; log: Log }): JobEvents {
  const events = join(folder, 'events');
  /** Those who wait in this process, by job. */
  const waiting = new Map<string, Set<Wakeup>>();
  /** Names of markers that this process knows; one that is forgotten costs one poll of a job. */
  const known = new BoundedMap<string, true>(2 * KEPT_MARKERS);
  let hasChecked = false;
  let isChecking = false;
  let warned = false;

  async function markers(): Promise<EventMarker[]> {
    const names = await readdir(events).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
    return names.flatMap((name) => {
      const [, job, at] = MARKER.exec(name) ?? [];
      return job === undefined ? [] : [{ name, job, at: Number(at) }];
    });
  }

  const ageOf = ({ at }: EventMarker): number => Math.abs(clock.now() - at);

  async function check(): Promise<void> {
    const found = (await markers()).filter(({ name }) => !known.has(name));
    for (const marker of found) {
      const isOld = !hasChecked && ageOf(marker) >= NEWS_FOR_MS;
      const subscribers = waiting.get(marker.job);
      // Of a job that nobody waits for at the moment it stays news for the next one who does.
      if (isOld || subscribers !== undefined) known.set(marker.name, true);
      if (!isOld) for (const subscriber of subscribers ?? []) subscriber.wake();
    }
    hasChecked = true;
  }

  /** One check serves all who wait in this process. */
  async function keepChecking(): Promise<void> {
    if (isChecking) return;
    isChecking = true;
    while (waiting.size > 0) {
      await check().catch((error: unknown) => {
        if (!warned) log.warn('the markers of webhooks cannot be read; jobs are polled', { error: errorCode(error) });
        warned = true;
      });
      await clock.sleep(CHECK_EVERY_MS);
    }
    isChecking = false;
  }

  /** Without it the folder would grow for ever. Of several markers of a job the last one says it all. */
  async function tidy(newest: EventMarker): Promise<void> {
    const found = (await markers()).sort((a, b) => b.at - a.at);
    const useless = found.filter(
      (marker, index) =>
        index >= KEPT_MARKERS ||
        ageOf(marker) > KEPT_FOR_MS ||
        (marker.job === newest.job && marker.name < newest.name),
    );
    await Promise.all(useless.map(({ name }) => rm(join(events, name), { force: true })));
  }

  return {
    async addMarker(remoteId) {
      const [job, at] = [nameOf(remoteId), Math.round(clock.now())];
      const name = `${job}.${String(at).padStart(15, '0')}.${randomBytes(4).toString('hex')}`;
      await makeFolder(events);
      // Whole as soon as it is there: the name is all there is.
      await writeFile(join(events, name), '', { flag: 'wx', mode: 0o600 });
      await tidy({ name, job, at }).catch(() => undefined);
    },
    async subscribe(remoteId, signal) {
      signal.throwIfAborted();
      const job = nameOf(remoteId);
      const wakeup = new Wakeup(clock);
      const subscribers = waiting.get(job) ?? new Set();
      waiting.set(job, subscribers.add(wakeup));
      void keepChecking();
      try {
        await wakeup.wait(Number.POSITIVE_INFINITY, signal);
      } finally {
        subscribers.delete(wakeup);
        if (subscribers.size === 0 && waiting.get(job) === subscribers) waiting.delete(job);
      }
    },
    async lastMarkerAt() {
      const recent = (await markers().catch(() => [])).filter((marker) => ageOf(marker) <= KEPT_FOR_MS);
      return recent.length === 0 ? undefined : Math.max(...recent.map(({ at }) => at));
    },
  };
}

/** An id of the service may hold anything; its hash is a file name everywhere. */
function nameOf(remoteId: string): string {
  return createHash('sha256').update(remoteId).digest('hex').slice(0, 32);
}
