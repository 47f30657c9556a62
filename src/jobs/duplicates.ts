/** Finds the jobs that equal orders had made before, and learns what has become of them. */
import type { Order } from '../core/image-request.ts';
import { dedupeKey } from '../core/image-request.ts';
import { isSettled, type Job } from '../core/job.ts';
import type { JobsDeps } from './deps.ts';
import { lostRecord } from './job-records.ts';
import type { JobRunner } from './job-runner.ts';
import type { Recovery } from './recovery.ts';

/** The winner of a race records its order within milliseconds after it was admitted. */
const RECORD_PAUSE_MS = 25;

type Deps = JobsDeps & { runner: JobRunner; recovery: Recovery };

export class Duplicates {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** The job that each of these orders would only repeat; `undefined` for one that is new. */
  of(orders: readonly Order[], isBatch: boolean): Promise<readonly (Job | undefined)[]> {
    return Promise.all(
      numbered(orders).map(async ({ order, key }) => {
        if (order.allowDuplicate === true) return undefined;
        const id = await this.#deps.limits.duplicateOf(key, isBatch);
        const job = id === undefined ? undefined : await this.#deps.records.find(id);
        return job !== undefined && (await this.#isInTheWay(job, isBatch)) ? job : undefined;
      }),
    );
  }

  /**
   * The job of an order that was in the way of an equal one when that was to be admitted; `undefined`: it is in the way
   * no longer, so that the equal one can ask again.
   * @throws FluxError when the order may have been sent and its record is lost
   */
  async withId(id: string, isBatch: boolean): Promise<Job | undefined> {
    const job = await this.#recorded(id);
    if (job !== undefined) return (await this.#isInTheWay(job, isBatch)) ? job : undefined;
    const { limits, records } = this.#deps;
    const { reservations } = await limits.state();
    if (reservations.entries.some((entry) => entry.id === id && entry.slotAt !== undefined)) {
      await limits.lose(id);
      throw lostRecord(id, records.location);
    }
    // Admitted and never recorded: its process has died in between. One that only is slow finds its reservation gone,
    // and sends nothing.
    await limits.drop(id);
    return undefined;
  }

  /** The reservations may be behind: what the record says is noted, and they are asked again. */
  async #isInTheWay(job: Job, isBatch: boolean): Promise<boolean> {
    const { limits, runner } = this.#deps;
    if (runner.nextAction(job) === 'close_unsent') {
      await runner.closeUnsent(job);
      return false;
    }
    if (!isSettled(job)) return true;
    await limits.note(job);
    return (await limits.duplicateOf(dedupeKey(job.request, job.nth), isBatch)) === job.id;
  }

  async #recorded(id: string): Promise<Job | undefined> {
    const { records, recovery, clock } = this.#deps;
    for (;;) {
      // Asked before the record is read: one that is made in between is seen then.
      const isAwaited = await recovery.awaitsRecord(id);
      const job = await records.find(id);
      if (job !== undefined || !isAwaited) return job;
      await clock.sleep(RECORD_PAUSE_MS);
    }
  }
}

/** Each order with its number among the equal ones of its call, and the key by which it is found again. */
export function numbered(orders: readonly Order[]): { order: Order; nth: number; key: string }[] {
  const seen = new Map<string, number>();
  return orders.map((order) => {
    const first = dedupeKey(order.request);
    const nth = order.allowDuplicate ? 0 : (seen.get(first) ?? 0);
    if (!order.allowDuplicate) seen.set(first, nth + 1);
    return { order, nth, key: dedupeKey(order.request, nth) };
  });
}
