/** May it be sent, may it be spent: what all processes with one service and key share, and what a call may cost. */
import { createHash } from 'node:crypto';
import { dedupeKey } from '../core/image-request.ts';
import type { Job } from '../core/job.ts';
import type { Clock, Log } from '../core/ports.ts';
import { SharedState, type SharedValues } from '../core/shared-value.ts';
import { openFoundMs } from './budget.ts';
import { PLAN_LIMITS, type Plan } from './plan.ts';
import type { PermitAnswer, PermitAsk, RateReport, RateState, RequestWindow } from './rate-state.ts';
import * as rates from './rate-state.ts';
import type { AdmissionResult, Candidate, Reservations, SlotAnswer, SpendingLimits } from './reservations.ts';
import * as reservations from './reservations.ts';

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
const COUNTED_MS = 3 * reservations.DAY_MS;

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
    this.#counting = deps.requestWindow ?? rates.REQUEST_WINDOW;
    const rate = {
      name: 'rate-state',
      schema: rates.rateStateSchema,
      initial: () => rates.emptyRateState(clock.now()),
    };
    const fromRecords = async () =>
      reservations.reservationsOfJobs(await jobs(clock.now() - COUNTED_MS), fingerprintOf, clock.now());
    const reserved = { name: 'reservations', schema: reservations.reservationsSchema, initial: fromRecords };
    this.#rateState = new SharedState<RateState>(values, rate, clock);
    this.#reservations = new SharedState<Reservations>(values, reserved, clock);
  }

  /** @throws FluxError of kind `storage_failed` */
  async reservations(): Promise<Reservations> {
    return reservations.reservationsAt(await this.#reservations.read(), this.deps.clock.now());
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
      rateState: rates.rateStateAt(rateState, now),
      reservations,
      /** Requests per window; null: none is known. */
      requestLimit,
      counting,
      reads: rates.readAllowance(rateState, requestLimit, counting, kept, now),
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
      const decision = rates.takePermit(before, requestLimit, this.#counting, this.deps.clock.now(), { fields, kept });
      return { value: decision.rateState, result: decision.answer };
    });
  }

  /** Never rejects: what cannot be kept is learnt again from the next answer. */
  async learn(reported: RateReport): Promise<void> {
    const rule = (before: RateState) => rates.learnedRateState(before, reported, this.deps.clock.now());
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
      const result = reservations.admitAll(before, candidates, allowed, this.deps.clock.now(), foundMs);
      return { value: result.type === 'taken' ? result.reservations : before, result };
    };
    // What comes later follows from the records again; until there is one, only this says that the price is reserved.
    return this.#reservations.change(rule, 'machine');
  }

  /** @throws FluxError of kind `storage_failed` */
  async slot(id: string): Promise<SlotAnswer> {
    const { concurrentJobs } = this.#planBy(await this.#rateState.read());
    return this.#reservations.change((before) => {
      const { reservations: value, answer } = reservations.takeSlot(before, id, concurrentJobs, this.deps.clock.now());
      return { value, result: answer };
    });
  }

  /** Settles the price and releases the slot as the record says. Never rejects: the record can be noted again. */
  async note(job: Job): Promise<void> {
    const { noteJob, withEntryOf } = reservations;
    await this.#change('reservations', (before, now) => noteJob(withEntryOf(before, job, fingerprintOf), job, now));
    const { exact } = job.credits;
    if (exact === null) return;
    const paid = (before: RateState) => rates.withOrderPaid(before, job, exact);
    await this.#followUp('balance', this.#rateState.update(paid));
  }

  /** The slot of a job that is polled no longer. Never rejects. */
  releaseSlot(id: string): Promise<unknown> {
    return this.#change('slot', (before, now) => reservations.releaseSlot(before, id, now));
  }

  /** Of an order that was never recorded and never sent. Never rejects. @returns why it still stands, where it does */
  drop(id: string): Promise<unknown> {
    return this.#change('order', (before, now) => reservations.dropEntry(before, id, now));
  }

  /** Of an order that may have been sent and whose record is lost: counted in full from now on. Never rejects. */
  lose(id: string): Promise<unknown> {
    return this.#change('record', (before, now) => reservations.loseEntry(before, id, now));
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
    const plan = rates.planOf(this.deps.plan, limit);
    return { plan, ...PLAN_LIMITS[plan], requestLimit: limit ?? PLAN_LIMITS[plan].requestsPerMinute };
  }

  #keptForOrders(rateState: RateState, orders: Reservations): number {
    const { requestLimit, concurrentJobs } = this.#planBy(rateState);
    return rates.keptForOrders(requestLimit, reservations.waitingOrders(orders), concurrentJobs);
  }
}

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
const fingerprintOf = (job: Job): string => fingerprint(dedupeKey(job.request, job.nth));
