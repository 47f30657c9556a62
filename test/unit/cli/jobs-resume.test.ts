/** Proves what is printed while jobs are resumed, and when that counts as a success. */
import { describe, expect, it } from 'vitest';
import { type ResumeDeps, resume } from '../../../src/cli/jobs.ts';
import { isSettled, type Job } from '../../../src/core/job.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { sampleFailure, sampleJob } from '../core/sample-jobs.ts';

type Play = {
  before: Job[];
  /** By id: how each job stands while it is waited for, the last one at the end. */
  during?: Record<string, Partial<Job>[]>;
  waits?: number[];
};

function play({ before, during = {}, waits = [] }: Play): { lines: string[]; deps: ResumeDeps } {
  const lines: string[] = [];
  const find = (id: string): Job => before.find((job) => job.id === id) ?? sampleJob({ id });
  const jobs: ResumeDeps['jobs'] = {
    open: async () => before.filter((job) => !isSettled(job)),
    find: async (id) => find(id),
    resumeAll: async () => before.filter((job) => !isSettled(job)),
    async waitFor(id, { waitMs, onTick, signal }) {
      waits.push(waitMs);
      signal?.throwIfAborted();
      let job = find(id);
      for (const patch of during[id] ?? []) {
        job = { ...job, ...patch };
        await onTick?.({
          job,
          elapsedMs: 0,
          waitReason: undefined,
          etaNow: async () => ({ fraction: 0.5, leftMs: 5_000 }),
        });
      }
      return job;
    },
  };
  const say = (line: string): void => void lines.push(line);
  const redact = createRedactor(['a-secret-key']);
  return { lines, deps: { jobs, clock: createManualClock(), say, redact, signal: new AbortController().signal } };
}

const SAVED: Partial<Job> = { state: 'saved', file: '/p/fox.jpg' };
const processing = sampleJob({ id: 'job_a', state: 'processing', remoteStatus: 'QUEUED' });

describe('resume', () => {
  it('has nothing to do where everything is over', async () => {
    const { lines, deps } = play({ before: [sampleJob(SAVED), sampleJob({ state: 'failed' })] });
    expect(await resume(deps, 120)).toBe(0);
    expect(lines).toEqual(['There is nothing to resume: no job is unfinished.']);
  });

  it('prints each change once, then how it ended', async () => {
    const working = { remoteStatus: 'WORKING' };
    const { lines, deps } = play({
      before: [processing],
      during: { job_a: [{}, {}, working, working, { state: 'completed' }, SAVED] },
    });
    expect(await resume(deps, 30)).toBe(0);
    expect(lines).toEqual([
      'Resuming 1 job, for at most 30 s.',
      'job_a: processing, the service says "QUEUED"',
      'job_a: processing, the service says "WORKING"',
      'job_a: completed, the picture is being fetched',
      'job_a: completed, /p/fox.jpg',
      '1 job: 1 saved, 0 failed, 0 left unfinished. Nothing new was ordered.',
    ]);
  });

  it('is no success while a job is left, nor where a finished picture could not be saved', async () => {
    const failure = sampleFailure({
      kind: 'storage_failed',
      reason: { code: 'worded', what: 'No room for a-secret-key.' },
    });
    for (const last of [{}, { state: 'completed' as const, failure }]) {
      const { lines, deps } = play({ before: [processing], during: { job_a: [last] } });
      expect(await resume(deps, 30)).toBe(1);
      expect(lines.at(-1)).toMatch(/^1 job: 0 saved, 0 failed, 1 left unfinished\. .+ again to continue\.$/u);
      expect(lines.join('\n')).not.toContain('a-secret-key');
    }
  });

  it('counts a job that failed as finished, and says why', async () => {
    const failed: Partial<Job> = {
      state: 'failed',
      failure: sampleFailure({ reason: { code: 'worded', what: 'The prompt\u001B was refused.' } }),
    };
    const { lines, deps } = play({ before: [processing], during: { job_a: [failed] } });
    expect(await resume(deps, 30)).toBe(0);
    expect(lines[1]).toMatch(/^job_a: failed, The prompt was refused\. Credits may have been spent\./u);
  });

  it('has orders of unknown outcome sent again under their own keys; one that stays so is no success', async () => {
    const unknown = sampleJob({ id: 'job_u', state: 'unknown' });
    const { lines, deps } = play({ before: [unknown, processing], during: { job_a: [SAVED] } });
    expect(await resume(deps, 30)).toBe(1);
    expect(lines).toContain('job_u: unknown');
    expect(lines.at(-1)).toMatch(/^2 jobs: 1 saved, 0 failed, 1 left unfinished\. /u);

    const answered = play({ before: [unknown], during: { job_u: [SAVED] } });
    expect(await resume(answered.deps, 30)).toBe(0);
  });

  it('gives all jobs the same end of waiting, however long the first poll took', async () => {
    const waits: number[] = [];
    const { deps } = play({ before: [processing, sampleJob({ id: 'job_b', state: 'submitting' })], waits });
    const clock = createManualClock();
    const slowly = async () => {
      await clock.advance(5_000);
      return deps.jobs.resumeAll();
    };
    const jobs = { ...deps.jobs, resumeAll: slowly };
    await resume({ ...deps, clock, jobs }, 3);
    await resume({ ...deps, clock, jobs }, 9);
    expect(waits).toEqual([0, 0, 4_000, 4_000]);
  });

  it('ends at an interruption with what is known then', async () => {
    const interrupted = new AbortController();
    interrupted.abort(new Error('interrupted'));
    const { lines, deps } = play({ before: [processing] });
    expect(await resume({ ...deps, signal: interrupted.signal }, 30)).toBe(1);
    expect(lines.at(-1)).toMatch(/1 left unfinished/u);
  });
});
