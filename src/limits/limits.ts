/** May it be sent, may it be spent: what all processes with one service and key share, and what a call may cost. */
import { createHash } from 'node:crypto';
import { dedupeKey } from '../core/image-request.ts';
import type { Job } from '../core/job.ts';
import type { Clock, Log } from '../core/ports.ts';
import { SharedState, type SharedValues } from '../core/shared-value.ts';
import { openFoundMs } from './budget.ts';
import { PLAN_LIMITS, type Plan } from './plan.ts';
import {
  emptyRateState,
  keptForOrders,
  learnedRateState,
  type PermitAnswer,
  type PermitAsk,
  planOf,
  type RateReport,
  type RateState,
  REQUEST_WINDOW,
  type RequestWindow,
  rateStateAt,
  rateStateSchema,
  readAllowance,
  takePermit,
  withOrderPaid,
} from './rate-state.ts';
import {
  type AdmissionResult,
  admitAll,
  type Candidate,
  DAY_MS,
  dropEntry,
  loseEntry,
  noteJob,
  type Reservations,
  releaseSlot,
  reservationsAt,
  reservationsOfJobs,
  reservationsSchema,
  type SlotAnswer,
  type SpendingLimits,
  takeSlot,
  waitingOrders,
  withEntryOf,
} from './reservations.ts';

/** `dedupeKey`: the request in normal form, as text: equal requests have equal texts. */
export type OrderToAdmit = Omit<Candidate, 'fingerprint'> & { dedupeKey: string };

export type LimitsState = Awaited<ReturnType<Limits['state']>>;

export type LimitsDeps = {
  clock: Clock;
  log: Log;
  plan: Plan | 'auto';
  /** See `isDuplicate`. */
  duplicateHours?: number;
  /** The provider's unless a test compresses time. */
  requestWindow?: RequestWindow | undefined;
  /** Records that are open, or were ordered since then: the reservations follow from them where they are missing or damaged. */
  jobs: (since: number) => Promise<readonly Job[]>;
};

/** What was charged today was ordered within so long: it waits for its turn for hours at most. */
const COUNTED_MS = 3 * DAY_MS;

/** May one more request leave? Every request to the service asks this first. */
export type RequestLimiter = Pick<Limits, 'permit' | 'learn'>;

export class Limits {
  readonly #counting: RequestWindow;
  readonly #rateState: SharedState<RateState>;
  readonly #reservations: SharedState<Reservations>;

  constructor(
    values: SharedValues,
    private readonly deps: LimitsDeps,
  ) {
    const { clock, jobs } = deps;
    this.#counting = deps.requestWindow ?? REQUEST_WINDOW;
    const rateState = { name: 'rate-state', schema: rateStateSchema, initial: () => emptyRateState(clock.now()) };
    const fromRecords = async () =>
      reservationsOfJobs(await jobs(clock.now() - COUNTED_MS), fingerprintOf, clock.now());
    const reservations = { name: 'reservations', schema: reservationsSchema, initial: fromRecords };
    this.#rateState = new SharedState<RateState>(values, rateState, clock);
    this.#reservations = new SharedState<Reservations>(values, reservations, clock);
  }

  /** @throws FluxError of kind `storage_failed` */
  async reservations(): Promise<Reservations> {
    return reservationsAt(await this.#reservations.read(), this.deps.clock.now());
  }

  /** All that is known now. @throws FluxError of kind `storage_failed` */
  async state() {
    const [rateState, reservations] = await Promise.all([this.#rateState.read(), this.reservations()]);
    const now = this.deps.clock.now();
    const { plan, requestLimit } = this.#planBy(rateState);
    const counting = this.#counting;
    const kept = this.#keptForOrders(rateState, reservations);
    return {
      plan,
      /** It was set or reported, not assumed. */
      planKnown: this.deps.plan !== 'auto' || rateState.window.limit !== undefined,
      rateState: rateStateAt(rateState, now),
      reservations,
      /** Requests per window; null: none is known. */
      requestLimit,
      counting,
      /** What reads may use. */
      reads: readAllowance(rateState, requestLimit, counting, kept, now),
    };
  }

  /** The last known balance in credits. @throws FluxError of kind `storage_failed` */
  async balance(): Promise<RateState['balance']> {
    return (await this.#rateState.read()).balance;
  }

  /** @param ask an order, unless something else is said. @throws FluxError of kind `storage_failed` */
  async permit({ purpose, fields }: PermitAsk = { purpose: 'submit', fields: 1 }): Promise<PermitAnswer> {
    const orders = purpose === 'read' ? await this.#reservations.read() : undefined;
    return this.#rateState.change((before) => {
      const kept = orders === undefined ? 0 : this.#keptForOrders(before, orders);
      const { requestLimit } = this.#planBy(before);
      const decision = takePermit(before, requestLimit, this.#counting, this.deps.clock.now(), { fields, kept });
      return { value: decision.rateState, result: decision.answer };
    });
  }

  /** Never rejects: what cannot be kept is learnt again from the next answer. */
  async learn(reported: RateReport): Promise<void> {
    const rule = (before: RateState) => learnedRateState(before, reported, this.deps.clock.now());
    await this.#followUp('rate state', this.#rateState.update(rule));
  }

  /**
   * Reserves the price of the orders of one call, in one step with the search for equal orders and the check of the
   * limits: of all that are new, or of none.
   * @throws FluxError of kind `storage_failed`; nothing is reserved then
   */
  async admit(orders: readonly OrderToAdmit[], limits: Omit<SpendingLimits, 'jobsPerDay'>): Promise<AdmissionResult> {
    const { jobsPerDay } = this.#planBy(await this.#rateState.read());
    const candidates = orders.map(({ dedupeKey: text, ...order }) => ({ ...order, fingerprint: fingerprint(text) }));
    const allowed = { ...limits, jobsPerDay };
    const foundMs = openFoundMs(this.deps.duplicateHours);
    const rule = (before: Reservations) => {
      const result = admitAll(before, candidates, allowed, this.deps.clock.now(), foundMs);
      return { value: result.type === 'taken' ? result.reservations : before, result };
    };
    // What comes later follows from the records again; until there is one, only this says that the price is reserved.
    return this.#reservations.change(rule, 'machine');
  }

  /** @throws FluxError of kind `storage_failed` */
  async slot(id: string): Promise<SlotAnswer> {
    const { concurrentJobs } = this.#planBy(await this.#rateState.read());
    return this.#reservations.change((before) => {
      const { reservations: value, answer: result } = takeSlot(before, id, concurrentJobs, this.deps.clock.now());
      return { value, result };
    });
  }

  /** Settles the price and releases the slot as the record says. Never rejects: the record can be noted again. */
  async note(job: Job): Promise<void> {
    await this.#change('reservations', (before, now) => noteJob(withEntryOf(before, job, fingerprintOf), job, now));
    const { exact } = job.credits;
    if (exact === null) return;
    const paid = (before: RateState) => withOrderPaid(before, job, exact);
    await this.#followUp('balance', this.#rateState.update(paid));
  }

  /** The slot of a job that is polled no longer. Never rejects. */
  releaseSlot(id: string): Promise<unknown> {
    return this.#change('slot', (before, now) => releaseSlot(before, id, now));
  }

  /** Of an order that was never recorded and never sent. Never rejects. @returns why it still stands, where it does */
  drop(id: string): Promise<unknown> {
    return this.#change('order', (before, now) => dropEntry(before, id, now));
  }

  /** Of an order that may have been sent and whose record is lost: counted in full from now on. Never rejects. */
  lose(id: string): Promise<unknown> {
    return this.#change('record', (before, now) => loseEntry(before, id, now));
  }

  #change(what: string, rule: (before: Reservations, now: number) => Reservations): Promise<unknown> {
    const ruleNow = (before: Reservations) => rule(before, this.deps.clock.now());
    return this.#followUp(what, this.#reservations.update(ruleNow));
  }

  /** For changes that only follow what has happened: they are made up for later, and stop nothing now. */
  #followUp(what: string, change: Promise<void>): Promise<unknown> {
    return change.catch((error: unknown) => {
      this.deps.log.warn('the shared limits could not be brought up to date', { what, error: String(error) });
      return error;
    });
  }

  #planBy({ window: { limit } }: RateState) {
    const plan = planOf(this.deps.plan, limit);
    return { plan, ...PLAN_LIMITS[plan], requestLimit: limit ?? PLAN_LIMITS[plan].requestsPerMinute };
  }

  #keptForOrders(rateState: RateState, orders: Reservations): number {
    const { requestLimit, concurrentJobs } = this.#planBy(rateState);
    return keptForOrders(requestLimit, waitingOrders(orders), concurrentJobs);
  }
}

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
const fingerprintOf = (job: Job): string => fingerprint(dedupeKey(job.request, job.nth));
