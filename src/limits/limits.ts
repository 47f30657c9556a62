/** The port to what all processes with the same service and key share: permits, slots, the budget and the pause. */
import type { Job } from '../core/job.ts';
import type { Plan } from './plan.ts';
import type { RateState, RequestWindow } from './rate-state.ts';
import type { ReportedWindow } from './rate-window.ts';
import type { AdmissionResult, Reservation, Reservations, SpendingLimits } from './reservations.ts';
import type { SlotAnswer } from './slots.ts';

export type OrderToAdmit = Pick<Reservation, 'id' | 'owner' | 'maxCredits' | 'batch'> & {
  /** The request in normal form, as text: equal requests have equal texts. */
  dedupeKey: string;
  allowDuplicate: boolean;
};

/** What answers reported, for all processes. */
export type RateReport = {
  window?: ReportedWindow;
  /** Epoch milliseconds until which the service asked for silence. */
  pausedUntil?: number;
  /** The balance in credits. */
  balance?: number;
  /** How many jobs the answered request had asked for: whether each of them counts shows in what is left. */
  fields?: number;
};

/**
 * What a permit is asked for. Reads leave some requests of every window to orders. `fields`: how many jobs are asked
 * for in the one request; where the service counts each of them, so does the permit.
 */
export type PermitAsk = { purpose: 'submit' | 'read'; fields: number };

/** A permit, or when to ask again (epoch milliseconds); `reported`: because of what the service said. */
export type PermitAnswer = { granted: true } | { granted: false; until: number; reported: boolean };

/** May one more request leave? Every request to the service asks this first. */
export interface RequestLimiter {
  /** @param ask an order, unless something else is said. @throws FluxError of kind `storage_failed` */
  permit(ask?: PermitAsk): Promise<PermitAnswer>;
  /** Never rejects: what cannot be kept is learnt again from the next answer. */
  learn(reported: RateReport): Promise<void>;
}

/** May one more order be made, and may it be sent now? */
export interface OrderLimits {
  /**
   * Reserves the price of the orders of one call, in one step with the search for equal orders and the check of the limits: of all
   * that are new, or of none.
   * @throws FluxError of kind `storage_failed`; nothing is reserved then
   */
  admit(orders: readonly OrderToAdmit[], limits: Omit<SpendingLimits, 'jobsPerDay'>): Promise<AdmissionResult>;
  /** The id of an order that such a request would only repeat; `forBatch`: in a call for several pictures. */
  duplicateOf(dedupeKey: string, forBatch?: boolean): Promise<string | undefined>;
  /** An answer for each order. @throws FluxError of kind `storage_failed` */
  slots(ids: readonly string[]): Promise<ReadonlyMap<string, SlotAnswer>>;
  /** Settles the price and releases the slot as the record says. Never rejects: the record can be noted again. */
  note(job: Job): Promise<void>;
  /** The slot of a job that is polled no longer. Never rejects. */
  releaseSlot(id: string): Promise<void>;
  /** Of an order that was never recorded and never sent. Never rejects. */
  drop(id: string): Promise<void>;
  /** Of an order that may have been sent and whose record is lost: counted in full from now on. Never rejects. */
  lose(id: string): Promise<void>;
}

export type LimitsState = {
  plan: Plan;
  rateState: RateState;
  reservations: Reservations;
  /** Requests per window; null: none is known. */
  requestLimit: number | null;
  counting: RequestWindow;
  /** Requests of a window that reads leave to orders. */
  keptForOrders: number;
};

export interface Limits extends RequestLimiter, OrderLimits {
  /** What is known now. @throws FluxError of kind `storage_failed` */
  state(): Promise<LimitsState>;
}
