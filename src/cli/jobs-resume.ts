/** `jobs resume`: resumes unfinished jobs and reports their progress. It never places a new order. */
import type { Clock } from '../core/ports.ts';
import { isSettled, type Job } from '../core/job.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { cleanLine, fenced } from '../core/untrusted-text.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import { failureSentences } from '../mcp/failure-text.ts';
import { statusOf } from '../mcp/job-view.ts';
import { counted, visible } from './terminal-text.ts';

const REASON_SHOWN_CHARACTERS = 600;

export type ResumeDeps = {
  jobs: Pick<ImageJobs, 'list' | 'find' | 'resumeAll' | 'waitFor'>;
  clock: Clock;
  /** Prints one line. */
  say: (line: string) => void;
  redact: Redact;
  /** Ends the waiting, never the jobs. */
  signal: AbortSignal;
};

/** @returns the exit code: 0 when no job that could be resumed is left unfinished */
export async function resume(deps: ResumeDeps, waitSeconds: number): Promise<number> {
  const { jobs, clock, say } = deps;
  const until = clock.monotonic() + waitSeconds * 1_000;
  const known = await jobs.list();
  const open = known.filter((job) => !isSettled(job) && job.state !== 'unknown').length;
  if (open === 0) say('There is nothing to resume: no job is unfinished.');
  else say(`Resuming ${counted(open, 'job')}, for at most ${waitSeconds} s.`);

  const resumed = open === 0 ? [] : await jobs.resumeAll();
  const finished = await Promise.all(resumed.map((job) => settle(job, deps, until - clock.monotonic())));
  if (finished.length > 0) say(summaryOf(finished));
  const unknownCount = [...known, ...finished].filter(({ state }) => state === 'unknown').length;
  if (unknownCount > 0) {
    say(
      `Not resumed: ${counted(unknownCount, 'job')} of unknown outcome, because an order that may have been paid for is not sent again. ` +
        'Check the account at Doitong ("flux-pro-mcp jobs list --status unknown").',
    );
  }
  return finished.every(isSettled) ? 0 : 1;
}

/** The job when it is settled or the time is up; prints a line for each change. */
async function settle(job: Job, { jobs, say, redact, signal }: ResumeDeps, waitMs: number): Promise<Job> {
  let said = '';
  const report = (now: Job): void => {
    const line = lineOf(redactValues(now, redact));
    if (line !== said) say(line);
    said = line;
  };
  const finished = await jobs
    .waitFor(job.id, { waitMs: Math.max(0, waitMs), signal, onTick: (progress) => report(progress.job) })
    .catch(async (error: unknown) => {
      if (!signal.aborted) throw error;
      return (await jobs.find(job.id)) ?? job;
    });
  report(finished);
  return finished;
}

function lineOf(job: Job): string {
  const pieces = [`${job.id}: ${statusOf(job.state)}`];
  if (job.file !== undefined) pieces.push(visible(job.file));
  else if (job.failure !== undefined) pieces.push(cleanLine(failureSentences(job.failure), REASON_SHOWN_CHARACTERS));
  else if (job.state === 'completed') pieces.push('the picture is being fetched');
  else if (job.remoteStatus !== undefined) pieces.push(`the service says ${fenced(job.remoteStatus, 60)}`);
  return pieces.join(', ');
}

function summaryOf(finished: readonly Job[]): string {
  const count = (fits: (job: Job) => boolean): number => finished.filter(fits).length;
  const left = count((job) => !isSettled(job) && job.state !== 'unknown');
  const saved = count(({ state }) => state === 'saved');
  const failed = count(({ state }) => state === 'failed');
  const again = left === 0 ? '' : ' Run "flux-pro-mcp jobs resume" again to continue.';
  return `${counted(finished.length, 'job')}: ${saved} saved, ${failed} failed, ${left} left unfinished. Nothing was ordered.${again}`;
}
