/** Takes an order in: finds the equal one that it repeats, reserves its price, and has it recorded and carried on. */
import type { Clock } from '../core/clock.ts';
import { creditRange } from '../core/credits.ts';
import type { Gate } from '../core/gate.ts';
import type { Ids } from '../core/ids.ts';
import { type ImageRequest, sameAs } from '../core/image-request.ts';
import { isOver, type Job } from '../core/job.ts';
import type { Processes } from '../core/processes.ts';
import { type BudgetSettings, overLimit } from './budget.ts';
import { type JobBoard, lostRecord } from './job-board.ts';
import type { JobRunner } from './job-runner.ts';
import type { Recovery } from './recovery.ts';

/** The winner of a race records its order within milliseconds after it was admitted. */
const RECORD_PAUSE_MS = 25;
/** Each round finds something that the one before has put right. */
const ROUNDS = 5;

export type OrderOptions = {
  /** Stem of the picture's file. */
  fileName?: string;
  /** Where the service tells the end of this job, in place of the setting. */
  webhookUrl?: string;
  /** A picture of its own, although an equal one is under way or was just made. */
  allowDuplicate?: boolean;
};

/** `duplicate`: the order that an equal request had made before; nothing was ordered now. */
export type Ordered = { job: Job; duplicate: boolean };

export type OrdersParts = {
  board: JobBoard;
  gate: Gate;
  recovery: Recovery;
  runner: Pick<JobRunner, 'begin' | 'isRunning'>;
  clock: Clock;
  ids: Ids;
  processes: Processes;
};

export type OrdersSettings = BudgetSettings & {
  sandbox: boolean;
  /** Where the service tells the end of each job, unless the order says otherwise. */
  webhookUrl?: string | undefined;
};

export class Orders {
  readonly #parts: OrdersParts;
  readonly #settings: OrdersSettings;

  constructor(parts: OrdersParts, settings: OrdersSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** The job that such a request would only repeat. */
  async twinOf(request: ImageRequest): Promise<Job | undefined> {
    const id = await this.#parts.gate.twinOf(sameAs(request));
    const job = id === undefined ? undefined : await this.#parts.board.find(id);
    return job !== undefined && (await this.#isTwin(job)) ? job : undefined;
  }

  /** @throws FluxError of kind `over_budget`, `rate_limited` or `storage_failed`; nothing is ordered then */
  async take(request: ImageRequest, options: OrderOptions): Promise<Ordered> {
    const { gate, ids, processes, recovery, clock } = this.#parts;
    const id = ids.jobId();
    const maxCredits = creditRange(request.width, request.height).max;
    const order = {
      id,
      owner: processes.self(),
      maxCredits,
      sameAs: sameAs(request),
      allowDuplicate: options.allowDuplicate ?? false,
    };
    const limits = { creditsPerDay: this.#settings.maxCreditsPerDay, imagesPerDay: this.#settings.maxImagesPerDay };
    let swept = false;
    for (let round = 1; ; round += 1) {
      const verdict = await gate.admit(order, limits);
      if (verdict.type === 'admitted') return { job: await this.#record(id, request, options), duplicate: false };
      if (verdict.type === 'duplicate') {
        const twin = await this.#recorded(verdict.id);
        if (twin !== undefined && (await this.#isTwin(twin))) return { job: twin, duplicate: true };
        if (twin === undefined) await this.#forget(verdict.id);
      } else {
        // What dead processes have left reserved may be all that stands in the way.
        if (swept) throw overLimit(verdict, maxCredits, clock.now());
        await recovery.sweep({ carryOn: false });
        swept = true;
      }
      if (round === ROUNDS) throw new Error('the account and the records do not come to agree');
    }
  }

  /**
   * Admitted and never recorded: its process has died in between. One that only is slow finds its place on the account
   * gone, and sends nothing.
   * @throws FluxError when it may have been sent: its record was lost
   */
  async #forget(id: string): Promise<void> {
    const { gate, board, recovery } = this.#parts;
    if (!(await recovery.mayHaveLeft(id))) return gate.drop(id);
    await gate.lose(id);
    throw lostRecord(id, board.location);
  }

  /** The account may be behind: what the record says is noted, and the account asked again. */
  async #isTwin(job: Job): Promise<boolean> {
    const { gate, recovery, runner } = this.#parts;
    if (job.state === 'queued' && !recovery.isInOtherHands(job) && !runner.isRunning(job.id)) {
      await recovery.closeUnsent(job);
      return false;
    }
    if (!isOver(job)) return true;
    await gate.note(job);
    return (await gate.twinOf(sameAs(job.request))) === job.id;
  }

  async #recorded(id: string): Promise<Job | undefined> {
    const { board, recovery, clock } = this.#parts;
    for (;;) {
      // Asked before the look: a record that is made in between is seen by it.
      const isAwaited = await recovery.awaitsRecord(id);
      const job = await board.find(id);
      if (job !== undefined || !isAwaited) return job;
      await clock.sleep(RECORD_PAUSE_MS);
    }
  }

  async #record(id: string, request: ImageRequest, options: OrderOptions): Promise<Job> {
    const { board, gate, runner, clock, ids, processes } = this.#parts;
    const { fileName, webhookUrl = this.#settings.webhookUrl } = options;
    const job: Job = {
      id,
      idempotencyKey: ids.idempotencyKey(),
      request,
      ...(fileName === undefined ? {} : { fileName }),
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
      state: 'queued',
      createdAt: clock.now(),
      updatedAt: clock.now(),
      owner: processes.self(),
      credits: { ...creditRange(request.width, request.height), exact: null },
      sandbox: this.#settings.sandbox,
    };
    try {
      await runner.begin(id, () => board.add(job));
      return job;
    } catch (error) {
      await gate.drop(id);
      throw error;
    }
  }
}
