/** Jobs of an earlier key or of another service: named, in the way of equal orders, and taken over where that is safe. */
import { type Failure, FluxError } from '../core/failure.ts';
import { isSettled, type Job } from '../core/job.ts';
import type { JobStore, OtherRecords } from '../core/job-store.ts';
import { foundSince, isDuplicate } from '../limits/budget.ts';
import type { JobsDeps, JobsSettings } from './deps.ts';
import { OTHER_KEY } from './submission.ts';

type OtherJob = { job: Job; from: OtherRecords };

/** A process that was killed is seen to be silent by then. */
const SILENT_AFTER_MS = 15_000;

export class OtherKeys {
  constructor(
    private readonly deps: JobsDeps,
    private readonly settings: Pick<JobsSettings, 'duplicateHours'>,
  ) {}

  /** What is to be said of those that may be charged; `undefined` without any. */
  async unfinished(): Promise<Failure | undefined> {
    const found = await this.#among((store) => store.open());
    return found.length === 0 ? undefined : unfinishedElsewhere(found, false);
  }

  /** @throws FluxError when the picture of such an order may be paid for already */
  async refuseEqual(dedupeKey: string, signal: AbortSignal | undefined): Promise<void> {
    const { provider } = this.deps;
    const { duplicateHours } = this.settings;
    const since = foundSince(duplicateHours, await provider.times());
    const equal = await this.#among((store) => store.equal(dedupeKey, since));
    if (equal.length === 0) return;
    const times = await provider.times(signal);
    const found = equal.filter(({ job }) => isDuplicate(job, duplicateHours, times));
    if (found.length > 0) throw new FluxError(unfinishedElsewhere(found, true));
  }

  /** Takes over what other keys of this service have left; what a process is at work on (`busy`) stays where it is. */
  async adopt(): Promise<{ adopted: Job[]; busy: Job[] }> {
    const { clock } = this.deps;
    for (const until = clock.monotonic() + SILENT_AFTER_MS; ; await clock.sleep(500)) {
      const found = (await this.#among((store) => store.open())).filter(({ from }) => from.isSameService);
      const alive = new Set<OtherRecords>();
      for (const { job, from } of found) if ((await from.liveness.stateOf(job.owner)) === 'alive') alive.add(from);
      if (alive.size > 0 && clock.monotonic() < until) continue;
      const adopted: Job[] = [];
      for (const one of found) if (!alive.has(one.from)) adopted.push(...(await this.#takeOver(one)));
      return { adopted, busy: found.flatMap(({ job, from }) => (alive.has(from) ? job : [])) };
    }
  }

  /** Done again after a crash, it goes on where that one stopped. */
  async #takeOver({ job: { id }, from: { store } }: OtherJob): Promise<Job[]> {
    const { records, limits, liveness } = this.deps;
    const seen = await store.read(id);
    if (seen === undefined || seen.isNewer || isSettled(seen.value)) return [];
    const isAccepted = seen.value.state === 'processing' || seen.value.state === 'completed';
    const unknown = !isAccepted && { state: 'unknown' as const, failure: OTHER_KEY };
    const job: Job = { ...seen.value, owner: liveness.self, otherKey: true, ...unknown };
    if ((await records.store.read(id)) === undefined) {
      // Reserved before it ends, so that what it has cost counts for this key from now on.
      await limits.note({ ...job, state: 'processing' });
      await records.add(job);
      await limits.note(job);
    }
    await store.remove(seen);
    return [job];
  }

  /** Without those that will never be sent. What cannot be read is in nobody's way. */
  async #among(read: (store: JobStore) => Promise<readonly Job[]>): Promise<OtherJob[]> {
    const { others = [], log } = this.deps;
    const found: OtherJob[] = [];
    for (const from of others) {
      const jobs = await read(from.store).catch((error: unknown) => {
        log.warn('records of another key cannot be read', { folder: from.store.location, error: String(error) });
        return [];
      });
      for (const job of jobs)
        if (!isSettled(job) && (job.state !== 'queued' || (await from.liveness.stateOf(job.owner)) === 'alive'))
          found.push({ job, from });
    }
    return found;
  }
}

function unfinishedElsewhere(jobs: readonly OtherJob[], isEqual: boolean): Failure {
  const ids = jobs.map(({ job }) => job.id);
  const folders = [...new Set(jobs.map(({ from }) => from.store.location))];
  const isAdoptable = jobs.some(({ from }) => from.isSameService);
  const reason = { code: 'unfinished_elsewhere', ids, folders, isAdoptable, isEqual } as const;
  return { kind: 'not_confirmed', reason, creditsSpent: 'no', retry: 'no' };
}
