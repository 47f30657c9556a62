/** Takes the orders of a call in: finds equal ones that they repeat, reserves the price, has them recorded and begun. */

import type { Clock } from '../core/clock.ts';
import { creditRange } from '../core/credits.ts';
import { FluxError } from '../core/failure.ts';
import type { Ids } from '../core/ids.ts';
import { dedupeKey, type ImageRequest } from '../core/image-request.ts';
import { isSettled, type Job } from '../core/job.ts';
import type { Processes } from '../core/processes.ts';
import { type BudgetSettings, limitExceeded } from '../limits/budget.ts';
import type { Limits, OrderToAdmit } from '../limits/limits.ts';
import type { Admission } from '../limits/reservations.ts';
import { type JobRecords, lostRecord } from './job-records.ts';
import type { JobRunner } from './job-runner.ts';
import type { Recovery } from './recovery.ts';

/** The winner of a race records its order within milliseconds after it was admitted. */
const RECORD_PAUSE_MS = 25;
/** Each round finds something that the one before has put right. */
const ROUNDS = 5;

export type OrderOptions = {
  /** Stem of the picture's file. */
  fileName?: string;
  /** A picture of its own, although an equal one is under way or was just made. */
  allowDuplicate?: boolean;
};

/** One picture that a call wants. */
export type Entry = { request: ImageRequest } & OrderOptions;

/**
 * `duplicate`: the order that an equal request had made before; nothing was ordered now. `refused`: this one could not
 * be ordered though others of its call were; its job is a failed one without a record.
 */
export type Ordered = { job: Job; duplicate: boolean; refused?: true };

export type OrdersDeps = {
  records: JobRecords;
  limits: Limits;
  recovery: Recovery;
  runner: Pick<JobRunner, 'begin' | 'nextAction' | 'closeUnsent'>;
  clock: Clock;
  ids: Ids;
  processes: Processes;
};

export type OrdersSettings = BudgetSettings & {
  sandbox: boolean;
  /** Where the service reports the end of each job. */
  webhookUrl?: string | undefined;
};

/** Of a draft: never recorded, never sent. */
const NO_KEY = '';

/** An order on its way to being admitted. */
type Draft = { at: number; job: Job; order: OrderToAdmit };

export class Orders {
  readonly #deps: OrdersDeps;
  readonly #settings: OrdersSettings;

  constructor(deps: OrdersDeps, settings: OrdersSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  /** The job that each of these entries would only repeat; `undefined` for one that would be ordered. */
  async duplicatesOf(entries: readonly Entry[], isBatch: boolean): Promise<readonly (Job | undefined)[]> {
    return Promise.all(
      numbered(entries).map(async ({ entry, text }) => {
        if (entry.allowDuplicate === true) return undefined;
        const id = await this.#deps.limits.duplicateOf(text, isBatch);
        const job = id === undefined ? undefined : await this.#deps.records.find(id);
        return job !== undefined && (await this.#isDuplicate(job, isBatch)) ? job : undefined;
      }),
    );
  }

  /**
   * @returns one for each entry, in their order
   * @throws FluxError of kind `over_budget`, `rate_limited` or `storage_failed`; nothing is ordered then
   */
  async take(entries: readonly Entry[], isBatch: boolean): Promise<readonly Ordered[]> {
    const { limits, recovery, clock } = this.#deps;
    const spending = { creditsPerDay: this.#settings.maxCreditsPerDay, imagesPerDay: this.#settings.maxImagesPerDay };
    const ordered = new Map<number, Ordered>();
    let open = this.#drafts(entries, isBatch);
    let reconciled = false;
    for (let round = 1; open.length > 0; round += 1) {
      const decision = await limits.admit(
        open.map(({ order }) => order),
        spending,
      );
      if (decision.type === 'taken') {
        open = await this.#settle(open, decision.admissions, ordered, isBatch);
      } else if (reconciled) {
        // What dead processes had left reserved was not all that stood in the way.
        const refusal = limitExceeded(decision, clock.now());
        if (ordered.size === 0) throw refusal;
        for (const draft of open) ordered.set(draft.at, refused(draft.job, refusal, clock.now()));
        open = [];
      } else {
        await recovery.reconcile({ resume: false });
        reconciled = true;
      }
      if (round === ROUNDS && open.length > 0) throw new Error('the account and the records do not come to agree');
    }
    return entries.flatMap((_, at) => ordered.get(at) ?? []);
  }

  #drafts(entries: readonly Entry[], isBatch: boolean): Draft[] {
    let batch: string | undefined;
    return numbered(entries).map(({ entry, nth, text }, at) => {
      const job = this.#draft(entry, nth);
      // The first job lends the call its name.
      batch ??= isBatch ? job.id : undefined;
      const inBatch = batch === undefined ? {} : { batch };
      const { id, owner, credits } = job;
      const allowDuplicate = entry.allowDuplicate ?? false;
      const order: OrderToAdmit = { id, owner, maxCredits: credits.max, dedupeKey: text, allowDuplicate, ...inBatch };
      return { at, job: { ...job, ...inBatch }, order };
    });
  }

  /** Its key is made when it is recorded: what only repeats another order needs none. */
  #draft({ request, fileName }: Entry, nth: number): Job {
    const { webhookUrl } = this.#settings;
    const { clock, ids, processes } = this.#deps;
    return {
      id: ids.jobId(),
      idempotencyKey: NO_KEY,
      request,
      ...(fileName === undefined ? {} : { fileName }),
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
      ...(nth === 0 ? {} : { nth }),
      state: 'queued',
      createdAt: clock.now(),
      updatedAt: clock.now(),
      owner: processes.self(),
      credits: { ...creditRange(request.width, request.height), exact: null },
      sandbox: this.#settings.sandbox,
    };
  }

  /** @returns the drafts that stood behind an order that is gone by now: they ask again */
  async #settle(
    open: readonly Draft[],
    admissions: readonly Admission[],
    ordered: Map<number, Ordered>,
    isBatch: boolean,
  ): Promise<Draft[]> {
    const failures: unknown[] = [];
    const settled = await Promise.all(
      open.map(async (draft, index) => {
        try {
          return await this.#settleOne(draft, admissions[index]);
        } catch (error) {
          if (!isBatch || !(error instanceof FluxError)) throw error;
          failures.push(error);
          return refused(draft.job, error, this.#deps.clock.now());
        }
      }),
    );
    const [failure] = failures;
    // The disk is full, say: that is the answer to the call, not to each of its pictures.
    if (ordered.size === 0 && failures.length === open.length) throw failure;
    settled.forEach((one, index) => {
      const at = open[index]?.at;
      if (one !== undefined && at !== undefined) ordered.set(at, one);
    });
    return open.filter(({ at }) => !ordered.has(at));
  }

  async #settleOne({ job, order }: Draft, admission: Admission | undefined): Promise<Ordered | undefined> {
    if (admission?.type !== 'duplicate') return { job: await this.#record(job), duplicate: false };
    const duplicate = await this.#recorded(admission.id);
    if (duplicate !== undefined && (await this.#isDuplicate(duplicate, order.batch !== undefined)))
      return { job: duplicate, duplicate: true };
    if (duplicate === undefined) await this.#forget(admission.id);
    return undefined;
  }

  /**
   * Admitted and never recorded: its process has died in between. One that only is slow finds its place on the account
   * gone, and sends nothing.
   * @throws FluxError when it may have been sent: its record was lost
   */
  async #forget(id: string): Promise<void> {
    const { limits, records, recovery } = this.#deps;
    if (!(await recovery.mayHaveLeft(id))) return limits.drop(id);
    await limits.lose(id);
    throw lostRecord(id, records.location);
  }

  /** The account may be behind: what the record says is noted, and the account asked again. */
  async #isDuplicate(job: Job, isBatch: boolean): Promise<boolean> {
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
      // Asked before the look: a record that is made in between is seen by it.
      const isAwaited = await recovery.awaitsRecord(id);
      const job = await records.find(id);
      if (job !== undefined || !isAwaited) return job;
      await clock.sleep(RECORD_PAUSE_MS);
    }
  }

  async #record(draft: Job): Promise<Job> {
    const { limits, runner, ids } = this.#deps;
    const job = { ...draft, idempotencyKey: ids.idempotencyKey() };
    try {
      await runner.begin(job);
      return job;
    } catch (error) {
      await limits.drop(job.id);
      throw error;
    }
  }
}

/** Each entry with its number among the equal ones, and the text by which it is found again. */
function numbered(entries: readonly Entry[]): { entry: Entry; nth: number; text: string }[] {
  const seen = new Map<string, number>();
  return entries.map((entry) => {
    const first = dedupeKey(entry.request);
    const nth = entry.allowDuplicate ? 0 : (seen.get(first) ?? 0);
    if (!entry.allowDuplicate) seen.set(first, nth + 1);
    return { entry, nth, text: dedupeKey(entry.request, nth) };
  });
}

function refused(job: Job, { failure }: FluxError, at: number): Ordered {
  return { job: { ...job, state: 'failed', failure, completedAt: at }, duplicate: false, refused: true };
}
