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
const LOOK_EVERY_MS = 250;
/** A mark this young may be news to a process that has not looked for it before. */
const NEWS_FOR_MS = 60_000;
const KEPT_FOR_MS = 24 * 60 * 60_000;
/** More would make each look dear; so many events later nobody waits for the oldest any more. */
const KEPT_MARKS = 1_000;
/** Jobs whose marks are remembered as told; a forgotten one costs one look at a job. */
const REMEMBERED_JOBS = 2_000;

/** A job, the time in epoch milliseconds, and what tells two marks of one moment apart. */
const MARK = /^([0-9a-f]{32})\.(\d{15})\.[0-9a-f]{8}$/u;
type Mark = { name: string; job: string; at: number };

/** @param folder absolute; of this service and key alone. `events` in it is made with the first mark. */
export function createFileEvents(folder: string, { clock, log }: { clock: Clock; log: Log }): JobEvents {
  const events = join(folder, FOLDER);
  const watchers = new Watchers();
  /** What this process has seen of jobs that it watches or has watched. */
  const told = new Map<string, Set<string>>();
  let looking = false;
  let warned = false;

  async function marks(): Promise<Mark[]> {
    const names = await readdir(events).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
    return names.flatMap((name) => {
      const [, job, at] = MARK.exec(name) ?? [];
      return job === undefined ? [] : [{ name, job, at: Number(at) }];
    });
  }

  const ageOf = ({ at }: Mark): number => Math.abs(clock.now() - at);

  async function look(): Promise<void> {
    const found = new Map<string, Mark[]>(watchers.jobs().map((job) => [job, []]));
    for (const mark of await marks()) found.get(mark.job)?.push(mark);
    for (const [job, list] of found) {
      const known = told.get(job);
      const isNews = list.some((mark) => (known === undefined ? ageOf(mark) < NEWS_FOR_MS : !known.has(mark.name)));
      // Whoever left during the look has not been told: it stays news for the next watch.
      if (isNews && !watchers.tell(job)) continue;
      remember(job, [...(known ?? []), ...list.map(({ name }) => name)]);
    }
  }

  function remember(job: string, names: readonly string[]): void {
    told.delete(job);
    told.set(job, new Set(names));
    const [oldest] = told.keys();
    if (told.size > REMEMBERED_JOBS && oldest !== undefined) told.delete(oldest);
  }

  /** One look serves all who wait in this process. */
  async function keepLooking(): Promise<void> {
    if (looking) return;
    looking = true;
    while (watchers.jobs().length > 0) {
      await look().catch((error: unknown) => {
        if (!warned) log.warn('the marks of webhooks cannot be read; jobs are polled', { error: errorCode(error) });
        warned = true;
      });
      await clock.sleep(LOOK_EVERY_MS);
    }
    looking = false;
  }

  /** Without it the folder would grow for ever. Of several marks of a job the last one says it all. */
  async function tidy(newest: Mark): Promise<void> {
    const found = (await marks()).sort((a, b) => b.at - a.at);
    const useless = found.filter(
      (mark, index) =>
        index >= KEPT_MARKS || ageOf(mark) > KEPT_FOR_MS || (mark.job === newest.job && mark.name < newest.name),
    );
    await Promise.all(useless.map(({ name }) => rm(join(events, name), { force: true })));
  }

  return {
    async mark(remoteId) {
      const [job, at] = [nameOf(remoteId), Math.round(clock.now())];
      const name = `${job}.${String(at).padStart(15, '0')}.${randomBytes(4).toString('hex')}`;
      await makeFolder(events);
      // Whole as soon as it is there: the name is all there is.
      await writeFile(join(events, name), '', { flag: 'wx', mode: 0o600 });
      await tidy({ name, job, at }).catch(() => undefined);
    },
    watch(remoteId, signal) {
      const watch = watchers.add(nameOf(remoteId), signal);
      void keepLooking();
      return watch;
    },
    async lastMarkAt() {
      const recent = (await marks().catch(() => [])).filter((mark) => ageOf(mark) <= KEPT_FOR_MS);
      return recent.length === 0 ? undefined : Math.max(...recent.map(({ at }) => at));
    },
  };
}

/** For one process alone, and for as long as it lives. */
export function createMemoryEvents(clock: Pick<Clock, 'now'>): JobEvents {
  const watchers = new Watchers();
  /** Marks that nobody was waiting for. */
  const untold = new Map<string, number>();
  let last: number | undefined;
  return {
    async mark(remoteId) {
      last = clock.now();
      untold.delete(remoteId);
      if (watchers.tell(remoteId)) return;
      untold.set(remoteId, last);
      const [oldest] = untold.keys();
      if (untold.size > KEPT_MARKS && oldest !== undefined) untold.delete(oldest);
    },
    async watch(remoteId, signal) {
      signal.throwIfAborted();
      const at = untold.get(remoteId);
      untold.delete(remoteId);
      if (at === undefined || clock.now() - at >= NEWS_FOR_MS) await watchers.add(remoteId, signal);
    },
    lastMarkAt: async () => last,
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
        this.#remove(job, onTold);
      };
      const onTold = (): void => {
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#byJob.set(job, (this.#byJob.get(job) ?? new Set()).add(onTold));
    });
  }

  /** @returns whether anybody was waiting */
  tell(job: string): boolean {
    const waiting = [...(this.#byJob.get(job) ?? [])];
    for (const onTold of waiting) onTold();
    return waiting.length > 0;
  }

  #remove(job: string, onTold: () => void): void {
    const waiting = this.#byJob.get(job);
    waiting?.delete(onTold);
    if (waiting?.size === 0) this.#byJob.delete(job);
  }
}
