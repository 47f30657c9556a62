/** Ordering pictures: whether a call may order them, which of them are new, and placing those. */
import { type Failure, FluxError } from '../core/failure.ts';
import { type CreditRange, creditRange, dedupeKey, type Order } from '../core/image-request.ts';
import { isSettled, type Job } from '../core/job.ts';
import * as budget from '../limits/budget.ts';
import type { OrderToAdmit } from '../limits/limits.ts';
import { type Admission, type AdmissionResult, unconfirmedCredits } from '../limits/reservations.ts';
import type { JobsDeps, JobsSettings } from './deps.ts';
import { lostRecord } from './job-records.ts';
import type { JobRunner } from './job-runner.ts';
import type { OtherKeys } from './other-keys.ts';

export type ProposeOptions = budget.Confirmation & {
  /** A call for several pictures, of which each repeats the same one of the same call before. */
  isBatch: boolean;
  /** Ends the wait for news of duplicates, never a job. */
  signal?: AbortSignal;
};

/** What may be committed: `duplicates` has the job that each order would only repeat, resumed where it was idle. */
export type ReadyProposal = {
  type: 'ready';
  /** A part of them, with its duplicates, can be committed as well. */
  orders: readonly NumberedOrder[];
  duplicates: readonly (Job | undefined)[];
  isBatch: boolean;
  /** Somebody has said yes to the price. */
  isConfirmed: boolean;
};

export type Proposal =
  | { type: 'refused'; failure: Failure }
  /** The user has to be asked first whether `added`, all that is new, may be ordered for that price. Amounts in credits. */
  | { type: 'ask'; added: readonly Order[]; estimate: CreditRange }
  | ReadyProposal;

/**
 * `duplicate`: the order that an equal request had made before; nothing was ordered now. `refused`: this one could not
 * be ordered though others of its call were; its job is a failed one without a record.
 */
export type Ordered = { job: Job; duplicate: boolean; refused?: true };

type NumberedOrder = ReturnType<typeof numbered>[number];
type Wanted = Pick<OrderToAdmit, 'dedupeKey' | 'allowDuplicate'>;
/** A new order before it is admitted; `at`: its place in the call. */
type Draft = Wanted & { at: number; job: Job; isConfirmed: boolean };

export class Orders {
  constructor(
    private readonly deps: JobsDeps,
    private readonly settings: JobsSettings,
    private readonly runner: JobRunner,
    private readonly otherKeys: OtherKeys,
  ) {}

  /**
   * Whether these orders of one call may be placed, must be asked about, or are refused. Nothing is reserved and nothing
   * is ordered yet; jobs that they would only repeat are resumed.
   */
  async propose(orders: readonly Order[], options: ProposeOptions): Promise<Proposal> {
    try {
      return await this.#decide(orders, options);
    } catch (error) {
      if (error instanceof FluxError) return { type: 'refused', failure: error.failure };
      throw error;
    }
  }

  /** @throws FluxError when the call is refused */
  async #decide(orders: readonly Order[], options: ProposeOptions): Promise<Proposal> {
    const { provider, limits, clock, containsSecret, checkFolders } = this.deps;
    const { isBatch, accepted, signal } = options;
    const unavailable = provider.unavailable();
    if (unavailable !== undefined) throw new FluxError(unavailable);
    if (containsSecret) for (const order of orders) checkSecrets(order, containsSecret);
    // A repeated call for several pictures accepts the price of those that are new by then.
    budget.checkCall(budget.estimateOf(orders), this.settings, isBatch ? undefined : accepted);

    const wanted = numbered(orders);
    const found = await Promise.all(wanted.map((one) => this.#duplicateOf(one, signal)));
    const duplicates = await Promise.all(found.map((job) => job && this.runner.resume(job, 'order', signal)));
    const added = orders.filter((_, at) => duplicates[at] === undefined);
    const ready = { type: 'ready' as const, orders: wanted, duplicates, isBatch, isConfirmed: false };
    // What is found again costs nothing, so that nobody is asked about it.
    if (added.length === 0) return ready;
    const estimate = budget.estimateOf(added);
    budget.checkCall(estimate, this.settings, accepted);
    const reservations = await limits.reservations();
    const now = clock.now();
    const confirmation = budget.confirm(estimate, unconfirmedCredits(reservations, now), options, this.settings);
    // Nobody is asked about a picture that could not be kept.
    await checkFolders();
    await this.runner.checkRoom(signal);
    if (confirmation === 'ask') return { type: 'ask', added, estimate };
    if (isBatch) budget.checkBalance(await limits.balance(), estimate, accepted, now);
    return { ...ready, isConfirmed: confirmation === 'confirmed' };
  }

  /**
   * Orders what is new in the proposal: spends credits. Answers with a job for each order, in their order, as soon as
   * they are recorded. The price of all new ones is reserved in one step.
   * @param signal a call that was cancelled by now orders nothing
   * @throws FluxError of kind `over_budget`, `rate_limited` or `storage_failed`; nothing is ordered then
   */
  async commit(proposal: ReadyProposal, signal?: AbortSignal): Promise<readonly Ordered[]> {
    // The last check before money moves.
    signal?.throwIfAborted();
    const drafts = this.#drafts(proposal);
    const ids = drafts.map(({ job }) => job.id);
    const admit = () => this.#admit(proposal, drafts, signal);
    const ordered = await this.runner.recording(ids, admit);
    for (const { job, refused } of ordered) if (refused) this.deps.records.keepRefused(job);
    this.runner.watch();
    return Promise.all(
      ordered.map(async (one, at) =>
        one.duplicate && proposal.duplicates[at] === undefined
          ? { ...one, job: await this.runner.resume(one.job, 'order', signal) }
          : one,
      ),
    );
  }

  async #admit({ duplicates }: ReadyProposal, drafts: readonly Draft[], signal?: AbortSignal) {
    const { clock } = this.deps;
    const ordered = new Map<number, Ordered>();
    // What was not proposed as new is not ordered, even if it is found no longer by now.
    for (const [at, job] of duplicates.entries()) if (job) ordered.set(at, { job, duplicate: true });
    let open = drafts.filter(({ at }) => !ordered.has(at));
    let reconciled = false;
    for (let round = 1; open.length > 0; round += 1) {
      // Each round finds something that the one before has put right.
      if (round > 5) throw new Error('the reservations and the records do not come to agree');
      // The call may have stood still since it was proposed.
      const now = clock.now();
      open = open.map(({ job, ...draft }) => ({ ...draft, job: { ...job, createdAt: now, updatedAt: now } }));
      try {
        const decision = await this.#admitOrDrop(open);
        if (decision.type === 'taken') {
          await this.#settle(open, decision.admissions, ordered, signal);
          open = open.filter(({ at }) => !ordered.has(at));
        } else if (!reconciled) {
          // Perhaps only what dead processes have left reserved is too much.
          await this.runner.reconciler.reconcile();
          reconciled = true;
        } else throw budget.limitExceeded(decision, clock.now());
      } catch (error) {
        // What this call has ordered by now is on its way: only the rest is refused.
        if (!(error instanceof FluxError) || [...ordered.values()].every(({ duplicate }) => duplicate)) throw error;
        for (const { at, job } of open) ordered.set(at, refused(job, error, clock.now()));
        open = [];
      }
    }
    return drafts.flatMap(({ at }) => ordered.get(at) ?? []);
  }

  #drafts({ orders, isBatch, isConfirmed }: ReadyProposal): Draft[] {
    const { webhookUrl, sandbox } = this.settings;
    const { clock, ids, liveness } = this.deps;
    const now = clock.now();
    const makeId = ids.jobIds(now);
    let batch: string | undefined;
    return orders.map(({ request, fileName, nth, ...wanted }, at) => {
      const id = makeId();
      // The first job lends the call its name.
      if (isBatch) batch ??= id;
      const credits = { ...creditRange(request.width, request.height), exact: null };
      const job: Job = {
        id,
        owner: liveness.self,
        ...(batch !== undefined && { batch, number: at + 1 }),
        // Made when it is recorded: what only repeats another order needs none.
        idempotencyKey: '',
        request,
        ...(fileName !== undefined && { fileName }),
        ...(webhookUrl !== undefined && { webhookUrl }),
        ...(nth > 0 && { nth }),
        ...{ state: 'queued', createdAt: now, updatedAt: now, credits, sandbox },
      };
      return { at, job, ...wanted, isConfirmed };
    });
  }

  /** An order whose duplicate is gone by now stays open, and asks again. */
  async #settle(
    open: readonly Draft[],
    admissions: readonly Admission[],
    ordered: Map<number, Ordered>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const failures: FluxError[] = [];
    const results = await Promise.all(
      open.map((draft, index) =>
        this.#settleOne(draft, admissions[index], signal).catch((error: unknown) => {
          if (signal?.aborted) return undefined;
          if (!(error instanceof FluxError)) throw error;
          failures.push(error);
          return refused(draft.job, error, this.deps.clock.now());
        }),
      ),
    );
    // The disk is full, say: that is the answer to the call, not to each of its pictures.
    if (ordered.size === 0 && failures.length === open.length) throw failures[0];
    for (const [index, { at }] of open.entries()) {
      const one = results[index];
      if (one !== undefined) ordered.set(at, one);
    }
    if (!signal?.aborted) return;
    // Nobody is told of these any more.
    for (const { job, duplicate } of ordered.values()) if (!duplicate) this.runner.cancelUnsent(job.id);
    signal.throwIfAborted();
  }

  async #settleOne({ job, ...wanted }: Draft, admission: Admission | undefined, signal?: AbortSignal) {
    if (admission?.type === 'duplicate') {
      const duplicate = await this.#duplicateWithId(admission.id, signal);
      return duplicate && { job: duplicate, duplicate: true };
    }
    try {
      // One that was recorded and has ended since the proposal is not among the reservations any more.
      const duplicate = await this.#duplicateOf(wanted, signal);
      if (duplicate === undefined) {
        const recorded = { ...job, idempotencyKey: this.deps.ids.idempotencyKey() };
        await this.runner.begin(recorded);
        return { job: recorded, duplicate: false };
      }
      await this.deps.limits.drop(job.id);
      return { job: duplicate, duplicate: true };
    } catch (error) {
      await this.deps.limits.drop(job.id);
      throw error;
    }
  }

  /** What may have been reserved when the disk refused is given back: nobody is going to record it. */
  async #admitOrDrop(drafts: readonly Draft[]): Promise<AdmissionResult> {
    const { limits } = this.deps;
    const { maxCreditsPerDay: creditsPerDay, maxImagesPerDay: imagesPerDay } = this.settings;
    // The reservation and the record agree on how old the order is.
    const orders = drafts.map(
      ({ job: { id, owner, createdAt: at, credits }, dedupeKey, allowDuplicate, isConfirmed }) => {
        return { id, owner, at, maxCredits: credits.max, dedupeKey, allowDuplicate, isConfirmed };
      },
    );
    try {
      return await limits.admit(orders, { creditsPerDay, imagesPerDay });
    } catch (error) {
      for (const { job } of drafts) await limits.drop(job.id);
      throw error;
    }
  }

  /** The newest job that an equal order finds, by the records. @throws FluxError when one of another key is in its way */
  async #duplicateOf({ dedupeKey: key, allowDuplicate }: Wanted, signal?: AbortSignal): Promise<Job | undefined> {
    if (allowDuplicate) return undefined;
    const { provider, records, others = [] } = this.deps;
    const since = budget.foundSince(this.settings.duplicateHours, await provider.times());
    for (const job of await records.store.equal(key, since)) if (await this.#isFound(job, signal)) return job;
    if (others.length > 0) await this.otherKeys.refuseEqual(key, signal);
    return undefined;
  }

  /**
   * The job of an open order that was found when an equal one was to be admitted; `undefined`: it is in the way no
   * longer, so that the equal one can ask again.
   * @throws FluxError when the order may have been sent and its record is lost
   */
  async #duplicateWithId(id: string, signal: AbortSignal | undefined): Promise<Job | undefined> {
    const { limits, records } = this.deps;
    const job = await this.#recorded(id, signal);
    if (job !== undefined) return (await this.#isFound(job, signal)) ? job : undefined;
    const { entries } = await limits.reservations();
    if (entries.some((entry) => entry.id === id && entry.slotAt !== undefined)) {
      await limits.lose(id);
      throw lostRecord(id, records.store.location);
    }
    // Admitted and never recorded: its process has died in between. One that only is slow finds its reservation gone,
    // and sends nothing. As long as it stands, an equal order finds it and nothing else.
    const refusal = await limits.drop(id);
    if (refusal !== undefined) throw refusal;
    return undefined;
  }

  async #recorded(id: string, signal: AbortSignal | undefined): Promise<Job | undefined> {
    for (;;) {
      // Asked before the record is read: one that is made in between is seen then.
      const isAwaited = await this.runner.reconciler.awaitsRecord(id);
      const job = await this.deps.records.find(id);
      if (job !== undefined || !isAwaited) return job;
      // The winner of a race records its order within milliseconds after it was admitted.
      await this.deps.clock.sleep(25, signal);
    }
  }

  async #isFound(job: Job, signal: AbortSignal | undefined): Promise<boolean> {
    const { limits, provider } = this.deps;
    if ((await this.runner.nextAction(job, 'order')) === 'close_unsent') {
      await this.runner.closeUnsent(job);
      return false;
    }
    // The reservations may be behind the record.
    if (isSettled(job)) await limits.note(job);
    const { duplicateHours } = this.settings;
    // In the way at no time, not even when it was ordered or saved: most failed ones.
    const itsOwn = { here: job.createdAt, there: job.savedAt ?? job.updatedAt };
    if (!budget.isDuplicate(job, duplicateHours, itsOwn)) return false;
    // Before an equal order is paid for again, the service tells how long ago this one was.
    if (budget.isDuplicate(job, duplicateHours, await provider.times())) return true;
    return budget.isDuplicate(job, duplicateHours, await provider.times(signal));
  }
}

function refused(job: Job, { failure }: FluxError, at: number): Ordered {
  return { job: { ...job, state: 'failed', failure, completedAt: at }, duplicate: false, refused: true };
}

/** Each order with its number among the equal ones of its call, and the key by which it is found again. */
function numbered(orders: readonly Order[]) {
  const seen = new Map<string, number>();
  return orders.map(({ request, fileName, allowDuplicate = false }) => {
    const first = dedupeKey(request);
    const nth = allowDuplicate ? 0 : (seen.get(first) ?? 0);
    if (!allowDuplicate) seen.set(first, nth + 1);
    return { request, fileName, nth, dedupeKey: dedupeKey(request, nth), allowDuplicate };
  });
}

/**
 * An order that holds a secret of the user would be sent, recorded, reported and become the name of a file.
 * @throws FluxError of kind `bad_input` that does not repeat the secret
 */
function checkSecrets({ request, fileName = '' }: Order, containsSecret: (text: string) => boolean): void {
  // What is between words becomes a dash in the name of a file, which could make a secret of words that are none.
  const asFileName = (text: string): string => text.replace(/[^\p{L}\p{N}\p{M}]+/gu, '-');
  const hasSecret = (text: string): boolean => containsSecret(text) || containsSecret(asFileName(text));
  const argument = hasSecret(request.prompt) ? 'prompt' : hasSecret(fileName) ? 'file_name' : undefined;
  if (argument === undefined) return;
  const reason = { code: 'secret_in_order', argument } as const;
  throw new FluxError({ kind: 'bad_input', reason, creditsSpent: 'no', retry: 'no' });
}
