/** When the watcher asks next, and for which of its jobs. Times are monotonic milliseconds. */
import type { Clock } from '../core/clock.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import type { Limits } from '../limits/limits.ts';
import { type ReadAllowance, readAllowance } from '../limits/read-share.ts';
import type { PolledJob } from './polled-job.ts';

/** One that would be asked for so soon is asked for now, together with others. */
const SOON = 0.25;

const UNKNOWN: ReadAllowance = { left: null, perWindow: null, windowMs: 60_000, refillMs: 0 };

/** `due`: their time has come; `along`: the same request can ask for them without a further cost. */
export type ReadSet = { due: PolledJob[]; along: PolledJob[] };

export type NextPoll = { at: number; readAt: (now: number) => ReadSet };

/** What looks at jobs may use at present. */
export async function allowanceNow(
  limits: Pick<Limits, 'state'>,
  clock: Clock,
): Promise<{ allowance: ReadAllowance; countsFields: boolean }> {
  // Without it there is no limit that could be planned by; the permit itself is asked for all the same.
  const state = await limits.state().catch(() => undefined);
  if (state === undefined) return { allowance: UNKNOWN, countsFields: false };
  const { rateState, requestLimit, counting, keptForOrders } = state;
  const allowance = readAllowance(rateState, requestLimit, counting, keptForOrders, clock.now());
  return { allowance, countsFields: rateState.countsFields === true };
}

/** @param jobs those of which nothing is being asked at present */
export async function nextRead(
  jobs: readonly PolledJob[],
  {
    clock,
    limits,
    provider,
  }: { clock: Clock; limits: Pick<Limits, 'state'>; provider: Pick<ImageProvider, 'readsAtOnce'> },
): Promise<NextPoll> {
  const { countsFields } = await allowanceNow(limits, clock);
  // Where each job costs a request of its own, each is asked for in its own time.
  const atOnce = countsFields ? 1 : await provider.readsAtOnce();
  return {
    at: Math.min(...jobs.map(({ dueAt }) => dueAt)),
    readAt(at) {
      // What the service has asked for is kept exactly, whatever else is asked now.
      const open = jobs.filter((job) => !job.isBeingRead && !job.isFinished && job.isWelcome(at));
      if (!open.some((job) => job.dueAt <= at)) return { due: [], along: [] };
      const soonMs = (job: PolledJob): number => (atOnce === 1 || job.isFallback ? 0 : job.dueAfterMs * SOON);
      const due = open.filter((job) => job.dueAt <= at + soonMs(job));
      // As many as the last request for those that are due has room for.
      const room = Math.ceil(due.length / atOnce) * atOnce - due.length;
      const along = open.filter((job) => !due.includes(job) && !job.isFallback).slice(0, room);
      return { due, along };
    },
  };
}
