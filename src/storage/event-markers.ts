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

const FOLDER = 'events';
/** A timer rather than the system's notifications of folders, which are silent on some file systems. */
const CHECK_EVERY_MS = 250;
/** A marker this young may be news to a process that has not checked for it before. */
const NEWS_FOR_MS = 60_000;
const KEPT_FOR_MS = 24 * 60 * 60_000;
/** More would make each check expensive; so many events later nobody waits for the oldest any more. */
const KEPT_MARKERS = 1_000;
/** Jobs whose markers are remembered as reported; a forgotten one costs one poll of a job. */
const REMEMBERED_JOBS = 2_000;

/** A job, the time in epoch milliseconds, and what tells two markers of one moment apart. */
const MARKER = /^([0-9a-f]{32})\.(\d{15})\.[0-9a-f]{8}$/u;
type EventMarker = { name: string; job: string; at: number };

/** @param folder absolute; of this service and key alone. `events` in it is made with the first marker. */
export function createFileEvents(folder: string, { clock, log }: { clock: Clock; log: Log }): JobEvents {
  const events = join(folder, FOLDER);
  /** Those who wait in this process, by job. */
  const waiting = new Map<string, Set<Wakeup>>();
  /** The markers that this process has reported to those who wait, by job. */
  const reported = new BoundedMap<string, ReadonlySet<string>>(REMEMBERED_JOBS);
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
    const found = new Map<string, EventMarker[]>([...waiting.keys()].map((job) => [job, []]));
    for (const marker of await markers()) found.get(marker.job)?.push(marker);
    for (const [job, list] of found) {
      const known = reported.get(job);
      const isNews = list.some((marker) =>
        known === undefined ? ageOf(marker) < NEWS_FOR_MS : !known.has(marker.name),
      );
      const subscribers = waiting.get(job);
      // Whoever left meanwhile has not heard of it: it stays news for the next one who waits.
      if (isNews && subscribers === undefined) continue;
      if (isNews) for (const subscriber of subscribers ?? []) subscriber.wake();
      reported.set(job, new Set([...(known ?? []), ...list.map(({ name }) => name)]));
    }
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
