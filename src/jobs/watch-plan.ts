/** When the watcher asks next, and for which of its jobs. Times are monotonic milliseconds. */
import type { Clock } from '../core/clock.ts';
import { type Durations, observations } from '../core/durations.ts';
import type { Gate } from '../core/gate.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import { nextPollMs, type Watched } from '../core/poll-plan.ts';
import { type ReadAllowance, readAllowance } from '../core/read-share.ts';
import type { WatchedJob } from './watched-job.ts';

/** So many pictures of a kind must have been seen before the next one is waited for by what they took. */
const ENOUGH_SEEN = 5;
/** One that would be asked for so soon is asked for now, together with others. */
const SOON = 0.25;

const UNKNOWN: ReadAllowance = { left: null, perWindow: null, windowMs: 60_000, refillMs: 0 };

/** `due`: their time has come; `along`: the same request can ask for them without a further cost. */
export type ReadSet = { due: WatchedJob[]; along: WatchedJob[] };

export type WatchPlan = { at: number; readAt: (now: number) => ReadSet };

/** Whether enough is known of such pictures to plan by it. */
export function mayWait(known: Durations | undefined): known is Durations {
  return known !== undefined && observations(known) >= ENOUGH_SEEN;
}

/** What looks at jobs may use at present. */
export async function allowanceNow(
  gate: Pick<Gate, 'state'>,
  clock: Clock,
): Promise<{ allowance: ReadAllowance; countsFields: boolean }> {
  // Without it there is no limit that could be planned by; the permit itself is asked for all the same.
  const state = await gate.state().catch(() => undefined);
  if (state === undefined) return { allowance: UNKNOWN, countsFields: false };
  const { traffic, requestLimit, counting, keptForOrders } = state;
  const allowance = readAllowance(traffic, requestLimit, counting, keptForOrders, clock.now());
  return { allowance, countsFields: traffic.countsFields === true };
}

/** @param jobs those of which nothing is being asked at present */
export async function nextRead(
  jobs: readonly WatchedJob[],
  { clock, gate, provider }: { clock: Clock; gate: Pick<Gate, 'state'>; provider: Pick<ImageProvider, 'readsAtOnce'> },
): Promise<WatchPlan> {
  const alone = jobs.filter(({ dueAt }) => dueAt !== undefined);
  const planned = jobs.filter(({ dueAt }) => dueAt === undefined);
  const aloneAt = Math.min(...alone.map(({ dueAt = Number.POSITIVE_INFINITY }) => dueAt));
  const { allowance, countsFields } = await allowanceNow(gate, clock);
  const atOnce = countsFields ? 1 : await provider.readsAtOnce();
  // Where each job costs a request of its own, each is asked for in its own time.
  const isSingle = atOnce === 1;
  const now = clock.monotonic();
  const planOf = (some: readonly WatchedJob[]): number => {
    const watched = some.flatMap((job) => watchedAt(job, now));
    // Where each costs a request of its own, the gap is that of each.
    const lastReadAt = Math.max(...(isSingle ? some : jobs).map(({ readAt }) => readAt));
    return now + nextPollMs(watched, allowance, now - lastReadAt, clock.random());
  };
  const times = new Map<WatchedJob, number>();
  const together = isSingle ? Number.POSITIVE_INFINITY : planOf(planned);
  for (const job of planned) times.set(job, isSingle ? planOf([job]) : together);
  return {
    at: Math.min(aloneAt, ...times.values()),
    readAt(at) {
      const timeOf = (job: WatchedJob): number => job.dueAt ?? times.get(job) ?? Number.POSITIVE_INFINITY;
      // What the service has asked for is kept exactly, whatever else is asked now.
      const open = jobs.filter((job) => !job.isBeingRead && !job.isOver && job.isWelcome(at));
      if (!open.some((job) => timeOf(job) <= at)) return { due: [], along: [] };
      const due = open.filter((job) => timeOf(job) <= at + soonMs(job, isSingle));
      // As many as the last request for those that are due has room for.
      const room = Math.ceil(due.length / atOnce) * atOnce - due.length;
      const along = open.filter((job) => !due.includes(job) && !job.isNet).slice(0, room);
      return { due, along };
    },
  };
}

function watchedAt(job: WatchedJob, now: number): Watched[] {
  const { durations } = job;
  return durations === undefined ? [] : [{ ageMs: job.ageMs(now), seenMs: job.seenMs(), durations }];
}

/** A request for another job is as good for one that would be due in a moment. */
function soonMs(job: WatchedJob, isSingle: boolean): number {
  return isSingle || job.isNet ? 0 : job.dueAfterMs * SOON;
}
