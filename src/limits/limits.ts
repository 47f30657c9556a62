/** The port to what all processes with the same service and key share: permits, places, the budget and the pause. */

import type { Job } from '../core/job.ts';
import type { Plan } from './plan.ts';
import type { RequestWindow, Traffic } from './rate-state.ts';
import type { RateWindow } from './rate-window.ts';
import type { Account, AccountEntry, AdmissionVerdict, SpendingLimits } from './reservations.ts';
import type { PlaceAnswer } from './slots.ts';

export type OrderToAdmit = Pick<AccountEntry, 'id' | 'owner' | 'maxCredits' | 'batch'> & {
  /** The request in normal form, as text: equal requests have equal texts. */
  sameAs: string;
  allowDuplicate: boolean;
};

/** What answers told, for all processes. */
export type ToldByService = {
  window?: Pick<RateWindow, 'limit' | 'remaining' | 'resetsAt'>;
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

/** A permit, or when to ask again (epoch milliseconds); `told`: because of what the service said. */
export type PermitAnswer = { granted: true } | { granted: false; until: number; told: boolean };

/** May one more request leave? Every request to the service asks this first. */
export interface RequestGate {
  /** @param ask an order, unless something else is said. @throws FluxError of kind `storage_failed` */
  permit(ask?: PermitAsk): Promise<PermitAnswer>;
  /** Never rejects: what cannot be kept is learnt again from the next answer. */
  learn(told: ToldByService): Promise<void>;
}

/** May one more order be made, and may it be sent now? */
export interface JobGate {
  /**
   * Reserves the price of the orders of one call, in one step with the look for equal orders and at the limits: of all
   * that are new, or of none.
   * @throws FluxError of kind `storage_failed`; nothing is reserved then
   */
  admit(orders: readonly OrderToAdmit[], limits: Omit<SpendingLimits, 'jobsPerDay'>): Promise<AdmissionVerdict>;
  /** The id of an order that such a request would only repeat; `forBatch`: in a call for several pictures. */
  twinOf(sameAs: string, forBatch?: boolean): Promise<string | undefined>;
  /** An answer for each order. @throws FluxError of kind `storage_failed` */
  places(ids: readonly string[]): Promise<ReadonlyMap<string, PlaceAnswer>>;
  /** Settles the price and frees the place as the record says. Never rejects: the record can be noted again. */
  note(job: Job): Promise<void>;
  /** The place of a job that nobody watches any more. Never rejects. */
  givePlaceBack(id: string): Promise<void>;
  /** Of an order that was never recorded and never sent. Never rejects. */
  drop(id: string): Promise<void>;
  /** Of an order that may have been sent and whose record is lost: counted in full from now on. Never rejects. */
  lose(id: string): Promise<void>;
}

export type GateState = {
  plan: Plan;
  traffic: Traffic;
  account: Account;
  /** Requests per window; null: none is known. */
  requestLimit: number | null;
  counting: RequestWindow;
  /** Requests of a window that reads leave to orders. */
  keptForOrders: number;
};

export interface Gate extends RequestGate, JobGate {
  /** What is known now. @throws FluxError of kind `storage_failed` */
  state(): Promise<GateState>;
}
