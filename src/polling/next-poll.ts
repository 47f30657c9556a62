/** Which jobs the next request asks for, and what requests cost at present. Times are monotonic milliseconds. */
import type { Clock } from '../core/clock.ts';
import type { Limits } from '../limits/limits.ts';
import { type ReadAllowance, readAllowance } from '../limits/read-share.ts';
import type { PolledJob } from './polled-job.ts';

/** A job that is due within this part of its whole wait joins the request that is made now. */
const SOON = 0.25;

const UNKNOWN: ReadAllowance = { left: null, perWindow: null, windowMs: 60_000, refillMs: 0 };

/** What polling may use at present; `countsFields`: the service counts each job that a request asks for. */
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

/**
 * @param jobs those of which nothing is being asked at present
 * @param perRequest how many jobs one request can ask for
 * @returns `due`: those whose time has come; `along`: those for which the same requests have room
 */
export function jobsToRead(
  jobs: readonly PolledJob[],
  at: number,
  perRequest: number,
): { due: PolledJob[]; along: PolledJob[] } {
  // What the service has asked for is kept exactly, whatever else is asked now.
  const open = jobs.filter((job) => job.isWelcome(at));
  if (!open.some(({ dueAt }) => dueAt <= at)) return { due: [], along: [] };
  // Where each job costs a request of its own, each is asked for in its own time.
  const soonMs = ({ isFallback, dueAfterMs }: PolledJob): number =>
    perRequest === 1 || isFallback ? 0 : dueAfterMs * SOON;
  const due = open.filter((job) => job.dueAt <= at + soonMs(job));
  const room = Math.ceil(due.length / perRequest) * perRequest - due.length;
  const along = open.filter((job) => !due.includes(job) && !job.isFallback).slice(0, room);
  return { due, along };
}
