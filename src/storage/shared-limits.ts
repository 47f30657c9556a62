/** The gate over two shared cells: the traffic with the service, and the account of orders. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import { dedupeKey } from '../core/image-request.ts';
import type { Job } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import type { Processes } from '../core/processes.ts';
import type { Limits, LimitsState, PermitAnswer } from '../limits/limits.ts';
import { PLAN_LIMITS, type Plan, planOf } from '../limits/plan.ts';
import {
  emptyRateState,
  learnCounting,
  type RateState,
  REQUEST_WINDOW,
  type RequestWindow,
  rateStateAt,
  takePermit,
  withOrderPaid,
} from '../limits/rate-state.ts';
import { learnWindow, pauseWindow } from '../limits/rate-window.ts';
import { keptForOrders } from '../limits/read-share.ts';
import { reservationsOfJobs, withEntryOf } from '../limits/rebuilt-reservations.ts';
import {
  admitAll,
  dropEntry,
  duplicateIn,
  emptyReservations,
  loseEntry,
  noteJob,
  type Reservations,
  reservationsAt,
  waitingOrders,
} from '../limits/reservations.ts';
import { releaseSlot, takeSlots } from '../limits/slots.ts';
import { rateStateForm, reservationsForm } from '../limits/stored-limits.ts';
import { errorCode } from './error-code.ts';
import { createFileValue, createMemoryValue, type SharedValue } from './shared-value.ts';

export type LimitsDeps = {
  clock: Clock;
  log: Log;
  plan: Plan | 'auto';
  /** The provider's unless a test compresses time. */
  requestWindow?: RequestWindow | undefined;
};

type SharedValues = { rateState: SharedValue<RateState>; reservations: SharedValue<Reservations> };

/**
 * @param folder absolute; of this service and key alone. Made at the first change.
 * @param deps `jobs` are the records: the account is told by them when its own file is missing or damaged
 */
export function createFileLimits(
  folder: string,
  deps: LimitsDeps & { processes: Processes; jobs: () => Promise<readonly Job[]> },
): Limits {
  const { clock } = deps;
  const fromRecords = async (): Promise<Reservations> =>
    reservationsOfJobs(await deps.jobs(), fingerprintOfJob, clock.now());
  const sharedValues: SharedValues = {
    rateState: createFileValue(
      join(folder, 'gate', 'traffic.json'),
      { ...rateStateForm, initial: () => emptyRateState(clock.now()), durability: 'process' },
      deps,
    ),
    reservations: createFileValue(
      join(folder, 'gate', 'account.json'),
      { ...reservationsForm, initial: fromRecords, durability: 'process' },
      deps,
    ),
  };
  return createLimits(sharedValues, deps, folder);
}

export function createMemoryLimits(deps: LimitsDeps): Limits {
  const now = deps.clock.now();
  return createLimits(
    { rateState: createMemoryValue(emptyRateState(now)), reservations: createMemoryValue(emptyReservations(now)) },
    deps,
  );
}

/** @param folder for messages */
function createLimits({ rateState, reservations }: SharedValues, deps: LimitsDeps, folder = 'memory'): Limits {
  const { clock, log } = deps;
  const counting = deps.requestWindow ?? REQUEST_WINDOW;

  const planNow = ({ window }: RateState): Plan => planOf(deps.plan, window.limit);
  const requestLimit = (now: RateState): number | null =>
    now.window.limit ?? PLAN_LIMITS[planNow(now)].requestsPerMinute;

  const keptNow = (now: RateState, orders: Reservations): number =>
    keptForOrders(requestLimit(now), waitingOrders(orders), PLAN_LIMITS[planNow(now)].concurrentJobs);

  /** What must be known before anything is sent. */
  async function needed<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof FluxError) throw error;
      throw unkept(folder, error);
    }
  }

  /** For changes that only follow what has happened: they are made up for later, and stop nothing now. */
  async function followUp(what: string, change: () => Promise<unknown>): Promise<void> {
    try {
      await change();
    } catch (error) {
      log.warn('the shared limits could not be brought up to date', { what, error: errorCode(error) });
    }
  }

  const changeReservations = (change: (before: Reservations) => Reservations): Promise<void> =>
    reservations.update((before) => ({ value: change(before), result: undefined }));

  return {
    permit: ({ purpose, fields } = { purpose: 'submit', fields: 1 }) =>
      needed(async () => {
        const orders = purpose === 'read' ? await reservations.read() : undefined;
        return rateState.update<PermitAnswer>((before) => {
          const kept = orders === undefined ? 0 : keptNow(before, orders);
          const decision = takePermit(before, requestLimit(before), counting, clock.now(), { fields, kept });
          if (decision.type === 'granted') return { value: decision.rateState, result: { granted: true } };
          return {
            value: decision.rateState,
            result: { granted: false, until: decision.until, reported: decision.reported },
          };
        });
      }),
    learn: (reported) =>
      followUp('traffic', async () => {
        const learnt = (before: RateState): RateState => learnedRateState(before, reported, clock.now());
        const known = await rateState.read();
        // Most answers tell what was counted here already.
        if (learnt(known) === known) return;
        await rateState.update((before) => ({ value: learnt(before), result: undefined }));
      }),
    async admit(orders, limits) {
      const { jobsPerDay } = PLAN_LIMITS[planNow(await needed(() => rateState.read()))];
      const candidates = orders.map(({ dedupeKey: text, ...order }) => ({ ...order, fingerprint: fingerprint(text) }));
      const change = (before: Reservations) => {
        const decision = admitAll(before, candidates, { ...limits, jobsPerDay }, clock.now());
        return { value: decision.type === 'taken' ? decision.reservations : before, result: decision };
      };
      // What follows can be told by the records again; until there is one, only this says that the price is reserved.
      return needed(() => reservations.update(change, { durability: 'machine' }));
    },
    async duplicateOf(text, forBatch) {
      const known = await needed(() => reservations.read());
      return duplicateIn(known, fingerprint(text), clock.now(), forBatch)?.id;
    },
    async slots(ids) {
      const limit = PLAN_LIMITS[planNow(await needed(() => rateState.read()))].concurrentJobs;
      const wanted = (before: Reservations) => takeSlots(before, ids, limit, clock.now());
      // A look costs less than a change, and most looks of those who wait find nothing.
      const seen = await needed(() => reservations.read());
      const checked = wanted(seen);
      if (checked.reservations === seen) return checked.answers;
      return needed(() =>
        reservations.update((before) => {
          const { reservations: value, answers } = wanted(before);
          return { value, result: answers };
        }),
      );
    },
    async note(job) {
      await followUp('account', async () => {
        const noted = (before: Reservations): Reservations =>
          noteJob(withEntryOf(before, job, fingerprintOfJob), job, clock.now());
        const known = await reservations.read();
        if (noted(known) !== known) await changeReservations(noted);
      });
      const { exact } = job.credits;
      if (exact === null) return;
      await followUp('balance', async () => {
        const known = await rateState.read();
        const checked = (before: RateState): RateState =>
          withOrderPaid(before, { id: job.id, credits: exact, orderedAt: job.createdAt });
        if (checked(known) === known) return;
        await rateState.update((before) => ({ value: checked(before), result: undefined }));
      });
    },
    releaseSlot: (id) => followUp('slot', () => changeReservations((before) => releaseSlot(before, id, clock.now()))),
    lose: (id) => followUp('record', () => changeReservations((before) => loseEntry(before, id, clock.now()))),
    drop: (id) => followUp('order', () => changeReservations((before) => dropEntry(before, id, clock.now()))),
    async state(): Promise<LimitsState> {
      const [shared, orders] = await needed(() => Promise.all([rateState.read(), reservations.read()]));
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
  if (reported.window !== undefined) rateState = learnCounting(rateState, reported.fields ?? 1, reported.window);
  if (reported.window !== undefined)
    rateState = { ...rateState, window: learnWindow(rateState.window, reported.window) };
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

function unkept(folder: string, cause: unknown): FluxError {
  return new FluxError(
    {
      kind: 'storage_failed',
      message: `The limits and the budget that all servers with this key share cannot be kept in ${folder} (${errorCode(cause)}), so nothing was sent.`,
      creditsSpent: 'no',
      retry: 'no',
      remedy: 'Ask the user to make room there, or to set FLUX_STATE_DIR to a folder that can be written.',
    },
    { cause },
  );
}
