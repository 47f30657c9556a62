/** Waits for a job on behalf of a call and tells its progress. */
import type { Job } from '../core/job.ts';
import { quoted } from '../core/untrusted-text.ts';
import { waitFraction } from '../core/wait-progress.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import type { Hold } from '../jobs/submission.ts';
import type { ToolContext, ToolOutcome } from './tool.ts';

export async function waitForJob(
  jobs: ImageJobs,
  id: string,
  waitSeconds: number,
  context: ToolContext,
  duplicate = false,
): Promise<ToolOutcome> {
  const began = context.now();
  const job = await jobs.waitFor(id, {
    waitMs: waitSeconds * 1_000,
    signal: context.signal,
    onTick: (current, elapsedMs, hold) =>
      context.progress(
        waitFraction(elapsedMs / 1_000),
        hold === undefined ? message(current, Math.round(elapsedMs / 1_000)) : holdMessage(hold, context.now()),
      ),
  });
  const waitedSeconds = Math.round((context.now() - began) / 1_000);
  return { type: 'job', job, duplicate, ...(waitedSeconds > 0 ? { waitedSeconds } : {}) };
}

function holdMessage({ reason, until }: Hold, now: number): string {
  const seconds = Math.max(1, Math.round((until - now) / 1_000));
  return reason === 'place'
    ? `waiting for a free slot, about ${seconds} s`
    : `waiting until the rate limit allows the next request, about ${seconds} s`;
}

function message(job: Job, seconds: number): string {
  const soFar = `${seconds} s so far`;
  switch (job.state) {
    case 'queued':
    case 'submitting':
      return `sending the request, ${soFar}`;
    case 'processing':
      return `the picture is being made (${quoted(job.remoteStatus || 'processing', 40)}), ${soFar}`;
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
