/** The limits that all processes with one key share, over two shared values: the rate state and the reservations. */
import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { dedupeKey } from '../core/image-request.ts';
import type { Job } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import { SharedState, type SharedValues } from '../core/shared-value.ts';
import type { Limits, LimitsState, PermitAnswer } from './limits.ts';
import { PLAN_LIMITS, type Plan, planOf } from './plan.ts';
import {
  emptyRateState,
  learnCounting,
  parseRateState,
  type RateState,
  REQUEST_WINDOW,
  type RequestWindow,
  rateStateAt,
  takePermit,
  withOrderPaid,
} from './rate-state.ts';
import { learnWindow, pauseWindow } from './rate-window.ts';
import { keptForOrders } from './read-share.ts';
import { reservationsOfJobs, withEntryOf } from './rebuilt-reservations.ts';
import {
  admitAll,
  dropEntry,
  duplicateIn,
  loseEntry,
  noteJob,
  parseReservations,
  type Reservations,
  reservationsAt,
  waitingOrders,
} from './reservations.ts';
import { releaseSlot, takeSlots } from './slots.ts';

export type LimitsDeps = {
  clock: Clock;
  log: Log;
  plan: Plan | 'auto';
  /** The provider's unless a test compresses time. */
  requestWindow?: RequestWindow | undefined;
  /** The records: the reservations follow from them where these are missing or damaged. */
  jobs: () => Promise<readonly Job[]>;
};

/** @param values of one service and key */
export function createLimits(values: SharedValues, deps: LimitsDeps): Limits {
  const { clock, log } = deps;
  const rateState = new SharedState<RateState>(
    values,
    { name: 'rate-state', parse: parseRateState, initial: () => emptyRateState(clock.now()) },
    clock,
  );
  const fromRecords = async (): Promise<Reservations> =>
    reservationsOfJobs(await deps.jobs(), fingerprintOfJob, clock.now());
  const reservations = new SharedState<Reservations>(
    values,
    { name: 'reservations', parse: parseReservations, initial: fromRecords },
    clock,
  );
  const counting = deps.requestWindow ?? REQUEST_WINDOW;

  const planNow = ({ window }: RateState): Plan => planOf(deps.plan, window.limit);
  const requestLimit = (now: RateState): number | null =>
    now.window.limit ?? PLAN_LIMITS[planNow(now)].requestsPerMinute;

  const keptNow = (now: RateState, orders: Reservations): number =>
    keptForOrders(requestLimit(now), waitingOrders(orders), PLAN_LIMITS[planNow(now)].concurrentJobs);

  /** For changes that only follow what has happened: they are made up for later, and stop nothing now. */
  async function followUp(what: string, change: () => Promise<unknown>): Promise<void> {
    try {
      await change();
    } catch (error) {
      log.warn('the shared limits could not be brought up to date', { what, error: String(error) });
    }
  }

  return {
    async permit({ purpose, fields } = { purpose: 'submit', fields: 1 }) {
      const orders = purpose === 'read' ? await reservations.read() : undefined;
      return rateState.change<PermitAnswer>((before) => {
        const kept = orders === undefined ? 0 : keptNow(before, orders);
        const decision = takePermit(before, requestLimit(before), counting, clock.now(), { fields, kept });
        if (decision.type === 'granted') return { value: decision.rateState, result: { granted: true } };
        const { rateState: value, until, reported } = decision;
        return { value, result: { granted: false, until, reported } };
      });
    },
    learn: (reported) =>
      followUp('rate state', () => rateState.update((before) => learnedRateState(before, reported, clock.now()))),
    async admit(orders, limits) {
      const { jobsPerDay } = PLAN_LIMITS[planNow(await rateState.read())];
      const candidates = orders.map(({ dedupeKey: text, ...order }) => ({ ...order, fingerprint: fingerprint(text) }));
      const change = (before: Reservations) => {
        const decision = admitAll(before, candidates, { ...limits, jobsPerDay }, clock.now());
        return { value: decision.type === 'taken' ? decision.reservations : before, result: decision };
      };
      // What comes later follows from the records again; until there is one, only this says that the price is reserved.
      return reservations.change(change, 'machine');
    },
    async duplicateOf(text, forBatch) {
      const known = await reservations.read();
      return duplicateIn(known, fingerprint(text), clock.now(), forBatch)?.id;
    },
    async slots(ids) {
      const limit = PLAN_LIMITS[planNow(await rateState.read())].concurrentJobs;
      return reservations.change((before) => {
        const { reservations: value, answers } = takeSlots(before, ids, limit, clock.now());
        return { value, result: answers };
      });
    },
    async note(job) {
      await followUp('reservations', () =>
        reservations.update((before) => noteJob(withEntryOf(before, job, fingerprintOfJob), job, clock.now())),
      );
      const { exact } = job.credits;
      if (exact === null) return;
      const order = { id: job.id, credits: exact, orderedAt: job.createdAt };
      await followUp('balance', () => rateState.update((before) => withOrderPaid(before, order)));
    },
    releaseSlot: (id) => followUp('slot', () => reservations.update((before) => releaseSlot(before, id, clock.now()))),
    lose: (id) => followUp('record', () => reservations.update((before) => loseEntry(before, id, clock.now()))),
    drop: (id) => followUp('order', () => reservations.update((before) => dropEntry(before, id, clock.now()))),
    async state(): Promise<LimitsState> {
      const [shared, orders] = await Promise.all([rateState.read(), reservations.read()]);
      const now = clock.now();
      return {
        plan: planNow(shared),
        rateState: rateStateAt(shared, now),
        reservations: reservationsAt(orders, now),
        requestLimit: requestLimit(shared),
        counting,
        keptForOrders: keptNow(shared, orders),
      };
    },
  };
}

function learnedRateState(before: RateState, reported: Parameters<Limits['learn']>[0], now: number): RateState {
  let rateState = rateStateAt(before, now);
  if (reported.window !== undefined) {
    rateState = learnCounting(rateState, reported.fields ?? 1, reported.window);
    rateState = { ...rateState, window: learnWindow(rateState.window, reported.window) };
  }
  if (reported.pausedUntil !== undefined)
    rateState = { ...rateState, window: pauseWindow(rateState.window, reported.pausedUntil) };
  if (reported.balance !== undefined) rateState = { ...rateState, balance: { credits: reported.balance, at: now } };
  return isSameRateState(before, rateState) ? before : { ...rateState, writtenAt: now };
}

function isSameRateState(one: RateState, other: RateState): boolean {
  const keys = ['limit', 'remaining', 'resetsAt', 'pausedUntil'] as const;
  const same = one.balance === other.balance && one.countsFields === other.countsFields;
  return same && keys.every((key) => one.window[key] === other.window[key]);
}

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
const fingerprintOfJob = (job: Job): string => fingerprint(dedupeKey(job.request, job.nth));
