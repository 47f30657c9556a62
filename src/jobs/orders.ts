/** Places the orders of a proposal: reserves the price of all in one step, records what is new, and has it sent. */
import { creditRange } from '../core/credits.ts';
import { FluxError } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import { limitExceeded } from '../limits/budget.ts';
import type { OrderToAdmit } from '../limits/limits.ts';
import type { Admission } from '../limits/reservations.ts';
import type { JobsDeps, JobsSettings } from './deps.ts';
import { type Duplicates, numbered } from './duplicates.ts';
import type { JobRunner } from './job-runner.ts';
import type { ReadyProposal } from './proposal.ts';
import type { Recovery } from './recovery.ts';

/** Each round finds something that the one before has put right. */
const ROUNDS = 5;

/**
 * `duplicate`: the order that an equal request had made before; nothing was ordered now. `refused`: this one could not
 * be ordered though others of its call were; its job is a failed one without a record.
 */
export type Ordered = { job: Job; duplicate: boolean; refused?: true };

type Deps = JobsDeps & { runner: JobRunner; recovery: Recovery; duplicates: Duplicates };

/** Of a draft: never recorded, never sent. */
const NO_KEY = '';

/** An order before it is admitted. `found`: the job that it was proposed to repeat. */
type Draft = { at: number; job: Job; toAdmit: OrderToAdmit; found: Job | undefined };

export class Orders {
  readonly #deps: Deps;
  readonly #settings: JobsSettings;

  constructor(deps: Deps, settings: JobsSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  /**
   * @returns one for each order, in their order
   * @throws FluxError of kind `over_budget`, `rate_limited` or `storage_failed`; nothing is ordered then
   */
  async place(proposal: ReadyProposal): Promise<readonly Ordered[]> {
    const { limits, recovery, clock } = this.#deps;
    const spending = { creditsPerDay: this.#settings.maxCreditsPerDay, imagesPerDay: this.#settings.maxImagesPerDay };
    const placed = new Map<number, Ordered>();
    let open = this.#drafts(proposal);
    let reconciled = false;
    for (let round = 1; open.length > 0; round += 1) {
      if (round > ROUNDS) throw new Error('the reservations and the records do not come to agree');
      const decision = await limits.admit(
        open.map(({ toAdmit }) => toAdmit),
        spending,
      );
      if (decision.type === 'taken') {
        await this.#settle(open, decision.admissions, placed);
        open = open.filter(({ at }) => !placed.has(at));
      } else if (!reconciled) {
        // Perhaps only what dead processes have left reserved is too much.
        await recovery.reconcile({ resume: false });
        reconciled = true;
      } else {
        const refusal = limitExceeded(decision, clock.now());
        if (placed.size === 0) throw refusal;
        for (const { at, job } of open) placed.set(at, refused(job, refusal, clock.now()));
        open = [];
      }
    }
    return proposal.orders.flatMap((_, at) => placed.get(at) ?? []);
  }

  #drafts({ orders, duplicates, isBatch }: ReadyProposal): Draft[] {
    const { webhookUrl, sandbox } = this.#settings;
    const { clock, ids, processes } = this.#deps;
    const now = clock.now();
    let batch: string | undefined;
    return numbered(orders).map(({ order, nth, key }, at) => {
      const { request, fileName, allowDuplicate = false } = order;
      const id = ids.jobId();
      // The first job lends the call its name.
      if (isBatch) batch ??= id;
      const common = { id, owner: processes.self(), ...(batch === undefined ? {} : { batch }) };
      const credits = { ...creditRange(request.width, request.height), exact: null };
      const job: Job = {
        ...common,
        // Made when it is recorded: what only repeats another order needs none.
        idempotencyKey: NO_KEY,
        request,
        ...(fileName === undefined ? {} : { fileName }),
        ...(webhookUrl === undefined ? {} : { webhookUrl }),
        ...(nth === 0 ? {} : { nth }),
        state: 'queued',
        createdAt: now,
        updatedAt: now,
        credits,
        sandbox,
      };
      const toAdmit = { ...common, maxCredits: credits.max, dedupeKey: key, allowDuplicate };
      return { at, job, toAdmit, found: duplicates[at] };
    });
  }

  /** An order whose duplicate is gone by now stays open, and asks again. */
  async #settle(open: readonly Draft[], admissions: readonly Admission[], placed: Map<number, Ordered>): Promise<void> {
    const failures: unknown[] = [];
    const settled = await Promise.all(
      open.map(async (draft, index) => {
        try {
          return await this.#settleOne(draft, admissions[index]);
        } catch (error) {
          if (!(error instanceof FluxError)) throw error;
          failures.push(error);
          return refused(draft.job, error, this.#deps.clock.now());
        }
      }),
    );
    // The disk is full, say: that is the answer to the call, not to each of its pictures.
    if (placed.size === 0 && failures.length === open.length) throw failures[0];
    for (const [index, { at }] of open.entries()) {
      const one = settled[index];
      if (one !== undefined) placed.set(at, one);
    }
  }

  async #settleOne({ job, found }: Draft, admission: Admission | undefined): Promise<Ordered | undefined> {
    const { limits, duplicates } = this.#deps;
    if (found !== undefined) {
      // It has ceased to count as a duplicate since: what was not proposed as new is not ordered.
      if (admission?.type === 'admitted') await limits.drop(job.id);
      return { job: found, duplicate: true };
    }
    if (admission?.type !== 'duplicate') return { job: await this.#record(job), duplicate: false };
    const duplicate = await duplicates.withId(admission.id, job.batch !== undefined);
    return duplicate && { job: duplicate, duplicate: true };
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

function refused(job: Job, { failure }: FluxError, at: number): Ordered {
  return { job: { ...job, state: 'failed', failure, completedAt: at }, duplicate: false, refused: true };
}
