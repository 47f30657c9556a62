/** Waits for jobs on behalf of a call and reports their progress. */
import * as z from 'zod';
import { isFinishedRemotely, isSettled, type Job } from '../core/job.ts';
import { fenced } from '../core/untrusted-text.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import type { WaitReason } from '../jobs/order-failures.ts';
import type { Ordered } from '../jobs/orders.ts';
import type { BatchProgress } from '../jobs/waits.ts';
import type { Eta } from '../polling/durations.ts';
import { waitFraction } from '../polling/wait-progress.ts';
import type { JobsOutcome, ToolContext, ToolOutcome } from './tool.ts';

/** Seconds; 0 answers at once. */
export const waitSecondsSchema = z.number().min(0).max(300);

export async function waitForJob(
  jobs: ImageJobs,
  id: string,
  waitSeconds: number,
  context: ToolContext,
  duplicate = false,
): Promise<ToolOutcome> {
  const began = context.now();
  let last: Eta | undefined;
  const job = await jobs.waitFor(id, {
    waitMs: waitSeconds * 1_000,
    signal: context.signal,
    onTick: (current, elapsedMs, waitReason, eta) => {
      last = eta;
      context.progress(
        fractionOf(current, elapsedMs, eta),
        waitReason === undefined ? message(current, elapsedMs, eta) : waitMessage(waitReason, context.now()),
      );
    },
  });
  const waitedSeconds = Math.round((context.now() - began) / 1_000);
  return {
    type: 'job',
    job,
    duplicate,
    ...(waitedSeconds > 0 ? { waitedSeconds } : {}),
    ...(last === undefined || isFinishedRemotely(job) ? {} : { eta: last }),
  };
}

/** The same for all that one call has ordered, in their order. */
export async function waitForAll(
  jobs: ImageJobs,
  ordered: readonly Ordered[],
  waitSeconds: number,
  context: ToolContext,
): Promise<{ type: 'jobs' } & Omit<JobsOutcome, 'repeatable'>> {
  const began = context.now();
  const waited = await jobs.waitForAll(
    ordered.map(({ job }) => job.id),
    {
      waitMs: waitSeconds * 1_000,
      signal: context.signal,
      onTick: (progress) => context.progress(progress.fraction, batchMessage(progress)),
    },
  );
  const seconds = Math.round((context.now() - began) / 1_000);
  return {
    type: 'jobs',
    jobs: waited,
    duplicates: new Set(ordered.filter(({ duplicate }) => duplicate).map(({ job }) => job.id)),
    ...(waited.every(isSettled) || seconds === 0 ? {} : { waitedSeconds: seconds }),
  };
}

function batchMessage({ done, total, leftMs }: BatchProgress): string {
  const seconds = Math.max(1, Math.round(leftMs / 1_000));
  const left = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return `${done} of ${total}, about ${left} left`;
}

function waitMessage({ reason, until }: WaitReason, now: number): string {
  const seconds = Math.max(1, Math.round((until - now) / 1_000));
  return reason === 'slot'
    ? `waiting for a free slot, about ${seconds} s`
    : `waiting until the rate limit allows the next request, about ${seconds} s`;
}

/** What comes before the service has the order counts as a small part, however long it takes. */
const BEFORE_THE_ORDER = 0.05;
const FETCHING = 0.99;

/** Never backwards, and never the end before it is there. */
function fractionOf(job: Job, elapsedMs: number, { fraction }: Eta): number {
  if (job.acceptedAt === undefined) return BEFORE_THE_ORDER * waitFraction(elapsedMs / 1_000);
  const made = BEFORE_THE_ORDER + (FETCHING - BEFORE_THE_ORDER) * fraction;
  return job.state === 'completed' ? FETCHING + (1 - FETCHING) * waitFraction(elapsedMs / 1_000) : made;
}

function message(job: Job, elapsedMs: number, { leftMs }: Eta): string {
  const soFar = `${Math.round(elapsedMs / 1_000)} s so far`;
  const left = `about ${Math.max(1, Math.round(leftMs / 1_000))} s left`;
  switch (job.state) {
    case 'queued':
    case 'submitting':
      return `sending the request, ${soFar}`;
    case 'processing':
      return `the picture is being made (${fenced(job.remoteStatus || 'processing', 40)}), ${soFar}, ${left}`;
    case 'completed':
      return `fetching the finished picture, ${soFar}`;
    case 'saved':
      return 'the picture is saved';
    case 'failed':
    case 'unknown':
      return `the job is ${job.state}`;
    default:
      return job.state satisfies never;
  }
}
