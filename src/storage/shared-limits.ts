/** The gate over two shared cells: the traffic with the service, and the account of orders. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import { sameAs } from '../core/image-request.ts';
import type { Job } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import type { Processes } from '../core/processes.ts';
import type { Gate, GateState, PermitAnswer } from '../limits/limits.ts';
import { PLAN_LIMITS, type Plan, planOf } from '../limits/plan.ts';
import {
  emptyTraffic,
  learnCounting,
  REQUEST_WINDOW,
  type RequestWindow,
  type Traffic,
  takePermit,
  trafficAt,
  withOrderPaid,
} from '../limits/rate-state.ts';
import { learnWindow, pauseWindow } from '../limits/rate-window.ts';
import { keptForOrders } from '../limits/read-share.ts';
import { accountOfJobs, withEntryOf } from '../limits/rebuilt-reservations.ts';
import {
  type Account,
  accountAt,
  admitAll,
  dropEntry,
  emptyAccount,
  loseEntry,
  noteJob,
  twinIn,
  waitingOrders,
} from '../limits/reservations.ts';
import { givePlaceBack, takePlaces } from '../limits/slots.ts';
import { accountForm, trafficForm } from '../limits/stored-limits.ts';
import { errorCode } from './error-code.ts';
import { createFileCell, createMemoryCell, type SharedCell } from './shared-value.ts';

export type GateParts = {
  clock: Clock;
  log: Log;
  plan: Plan | 'auto';
  /** The provider's unless a test compresses time. */
  requestWindow?: RequestWindow | undefined;
};

type Cells = { traffic: SharedCell<Traffic>; account: SharedCell<Account> };

/**
 * @param folder absolute; of this service and key alone. Made at the first change.
 * @param parts `jobs` are the records: the account is told by them when its own file is missing or damaged
 */
export function createFileGate(
  folder: string,
  parts: GateParts & { processes: Processes; jobs: () => Promise<readonly Job[]> },
): Gate {
  const { clock } = parts;
  const fromRecords = async (): Promise<Account> => accountOfJobs(await parts.jobs(), fingerprintOfJob, clock.now());
  const cells: Cells = {
    traffic: createFileCell(
      join(folder, 'gate', 'traffic.json'),
      { ...trafficForm, initial: () => emptyTraffic(clock.now()), durability: 'process' },
      parts,
    ),
    account: createFileCell(
      join(folder, 'gate', 'account.json'),
      { ...accountForm, initial: fromRecords, durability: 'process' },
      parts,
    ),
  };
  return createGate(cells, parts, folder);
}

export function createMemoryGate(parts: GateParts): Gate {
  const now = parts.clock.now();
  return createGate(
    { traffic: createMemoryCell(emptyTraffic(now)), account: createMemoryCell(emptyAccount(now)) },
    parts,
  );
}

/** @param folder for messages */
function createGate({ traffic, account }: Cells, parts: GateParts, folder = 'memory'): Gate {
  const { clock, log } = parts;
  const counting = parts.requestWindow ?? REQUEST_WINDOW;

  const planNow = ({ window }: Traffic): Plan => planOf(parts.plan, window.limit);
  const requestLimit = (now: Traffic): number | null => now.window.limit ?? PLAN_LIMITS[planNow(now)].requestsPerMinute;

  const keptNow = (now: Traffic, orders: Account): number =>
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

  const changeAccount = (change: (before: Account) => Account): Promise<void> =>
    account.update((before) => ({ value: change(before), result: undefined }));

  return {
    permit: ({ purpose, fields } = { purpose: 'submit', fields: 1 }) =>
      needed(async () => {
        const orders = purpose === 'read' ? await account.read() : undefined;
        return traffic.update<PermitAnswer>((before) => {
          const kept = orders === undefined ? 0 : keptNow(before, orders);
          const verdict = takePermit(before, requestLimit(before), counting, clock.now(), { fields, kept });
          if (verdict.type === 'granted') return { value: verdict.traffic, result: { granted: true } };
          return { value: verdict.traffic, result: { granted: false, until: verdict.until, told: verdict.told } };
        });
      }),
    learn: (told) =>
      followUp('traffic', async () => {
        const learnt = (before: Traffic): Traffic => learntTraffic(before, told, clock.now());
        const known = await traffic.read();
        // Most answers tell what was counted here already.
        if (learnt(known) === known) return;
        await traffic.update((before) => ({ value: learnt(before), result: undefined }));
      }),
    async admit(orders, limits) {
      const { jobsPerDay } = PLAN_LIMITS[planNow(await needed(() => traffic.read()))];
      const candidates = orders.map(({ sameAs: text, ...order }) => ({ ...order, fingerprint: fingerprint(text) }));
      const change = (before: Account) => {
        const verdict = admitAll(before, candidates, { ...limits, jobsPerDay }, clock.now());
        return { value: verdict.type === 'taken' ? verdict.account : before, result: verdict };
      };
      // What follows can be told by the records again; until there is one, only this says that the price is reserved.
      return needed(() => account.update(change, { durability: 'machine' }));
    },
    async twinOf(text, forBatch) {
      const known = await needed(() => account.read());
      return twinIn(known, fingerprint(text), clock.now(), forBatch)?.id;
    },
    async places(ids) {
      const limit = PLAN_LIMITS[planNow(await needed(() => traffic.read()))].concurrentJobs;
      const wanted = (before: Account) => takePlaces(before, ids, limit, clock.now());
      // A look costs less than a change, and most looks of those who wait find nothing.
      const seen = await needed(() => account.read());
      const looked = wanted(seen);
      if (looked.account === seen) return looked.answers;
      return needed(() =>
        account.update((before) => {
          const { account: value, answers } = wanted(before);
          return { value, result: answers };
        }),
      );
    },
    async note(job) {
      await followUp('account', async () => {
        const noted = (before: Account): Account =>
          noteJob(withEntryOf(before, job, fingerprintOfJob), job, clock.now());
        const known = await account.read();
        if (noted(known) !== known) await changeAccount(noted);
      });
      const { exact } = job.credits;
      if (exact === null) return;
      await followUp('balance', async () => {
        const known = await traffic.read();
        const checked = (before: Traffic): Traffic =>
          withOrderPaid(before, { id: job.id, credits: exact, orderedAt: job.createdAt });
        if (checked(known) === known) return;
        await traffic.update((before) => ({ value: checked(before), result: undefined }));
      });
    },
    givePlaceBack: (id) => followUp('place', () => changeAccount((before) => givePlaceBack(before, id, clock.now()))),
    lose: (id) => followUp('record', () => changeAccount((before) => loseEntry(before, id, clock.now()))),
    drop: (id) => followUp('order', () => changeAccount((before) => dropEntry(before, id, clock.now()))),
    async state(): Promise<GateState> {
      const [shared, orders] = await needed(() => Promise.all([traffic.read(), account.read()]));
      const now = clock.now();
      return {
        plan: planNow(shared),
        traffic: trafficAt(shared, now),
        account: accountAt(orders, now),
        requestLimit: requestLimit(shared),
        counting,
        keptForOrders: keptNow(shared, orders),
      };
    },
  };
}

function learntTraffic(before: Traffic, told: Parameters<Gate['learn']>[0], now: number): Traffic {
  let traffic = trafficAt(before, now);
  if (told.window !== undefined) traffic = learnCounting(traffic, told.fields ?? 1, told.window);
  if (told.window !== undefined) traffic = { ...traffic, window: learnWindow(traffic.window, told.window) };
  if (told.pausedUntil !== undefined) traffic = { ...traffic, window: pauseWindow(traffic.window, told.pausedUntil) };
  if (told.balance !== undefined) traffic = { ...traffic, balance: { credits: told.balance, at: now } };
  return sameTraffic(before, traffic) ? before : { ...traffic, writtenAt: now };
}

function sameTraffic(one: Traffic, other: Traffic): boolean {
  const keys = ['limit', 'remaining', 'resetsAt', 'pausedUntil'] as const;
  const same = one.balance === other.balance && one.countsFields === other.countsFields;
  return same && keys.every((key) => one.window[key] === other.window[key]);
}

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
const fingerprintOfJob = (job: Job): string => fingerprint(sameAs(job.request, job.nth));

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
