/** Marks of events: empty files in the state folder, in whose names the watchers of every process read the news. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { JobEvents } from '../core/job-events.ts';
import type { Log } from '../core/log.ts';
import { errorCode } from './error-code.ts';
import { makeFolder } from './make-folder.ts';

const FOLDER = 'events';
/** A timer rather than the system's watching of folders, which is silent on some file systems. */
const CHECK_EVERY_MS = 250;
/** A mark this young may be news to a process that has not looked for it before. */
const NEWS_FOR_MS = 60_000;
const KEPT_FOR_MS = 24 * 60 * 60_000;
/** More would make each look dear; so many events later nobody waits for the oldest any more. */
const KEPT_MARKERS = 1_000;
/** Jobs whose marks are remembered as told; a forgotten one costs one look at a job. */
const REMEMBERED_JOBS = 2_000;

/** A job, the time in epoch milliseconds, and what tells two marks of one moment apart. */
const MARKER = /^([0-9a-f]{32})\.(\d{15})\.[0-9a-f]{8}$/u;
type EventMarker = { name: string; job: string; at: number };

/** @param folder absolute; of this service and key alone. `events` in it is made with the first mark. */
export function createFileEvents(folder: string, { clock, log }: { clock: Clock; log: Log }): JobEvents {
  const events = join(folder, FOLDER);
  const subscribers = new Watchers();
  /** What this process has seen of jobs that it watches or has watched. */
  const reported = new Map<string, Set<string>>();
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
    const found = new Map<string, EventMarker[]>(subscribers.jobs().map((job) => [job, []]));
    for (const marker of await markers()) found.get(marker.job)?.push(marker);
    for (const [job, list] of found) {
      const known = reported.get(job);
      const isNews = list.some((marker) =>
        known === undefined ? ageOf(marker) < NEWS_FOR_MS : !known.has(marker.name),
      );
      // Whoever left during the look has not been told: it stays news for the next watch.
      if (isNews && !subscribers.notify(job)) continue;
      remember(job, [...(known ?? []), ...list.map(({ name }) => name)]);
    }
  }

  function remember(job: string, names: readonly string[]): void {
    reported.delete(job);
    reported.set(job, new Set(names));
    const [oldest] = reported.keys();
    if (reported.size > REMEMBERED_JOBS && oldest !== undefined) reported.delete(oldest);
  }

  /** One look serves all who wait in this process. */
  async function keepChecking(): Promise<void> {
    if (isChecking) return;
    isChecking = true;
    while (subscribers.jobs().length > 0) {
      await check().catch((error: unknown) => {
        if (!warned) log.warn('the marks of webhooks cannot be read; jobs are polled', { error: errorCode(error) });
        warned = true;
      });
      await clock.sleep(CHECK_EVERY_MS);
    }
    isChecking = false;
  }

  /** Without it the folder would grow for ever. Of several marks of a job the last one says it all. */
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
    subscribe(remoteId, signal) {
      const subscribe = subscribers.add(nameOf(remoteId), signal);
      void keepChecking();
      return subscribe;
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

/** Those who wait in this process, by job. */
class Watchers {
  readonly #byJob = new Map<string, Set<() => void>>();

  jobs(): string[] {
    return [...this.#byJob.keys()];
  }

  add(job: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const leave = (): void => {
        signal.removeEventListener('abort', onAbort);
        this.#remove(job, onEvent);
      };
      const onEvent = (): void => {
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#byJob.set(job, (this.#byJob.get(job) ?? new Set()).add(onEvent));
    });
  }

  /** @returns whether anybody was waiting */
  notify(job: string): boolean {
    const waiting = [...(this.#byJob.get(job) ?? [])];
    for (const onEvent of waiting) onEvent();
    return waiting.length > 0;
  }

  #remove(job: string, onEvent: () => void): void {
    const waiting = this.#byJob.get(job);
    waiting?.delete(onEvent);
    if (waiting?.size === 0) this.#byJob.delete(job);
  }
}
