/** What is read of jobs: in time, whoever left them. */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getJobStatus } from '../../../src/mcp/tools/get-job-status.ts';
import type { ToolContext, ToolOutcome } from '../../../src/mcp/tool.ts';
import { batchView } from '../../../src/mcp/job-view.ts';
import { owner, remoteJob, sampleFailure, sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench } from '../jobs/fakes.ts';

let bench: Bench;
beforeEach(() => {
  bench = createBench({ plan: 'pro' });
});
afterEach(() => bench.jobs.close());

/** Starts the call; `tookMs` is there once it has answered. */
function asked(args: Record<string, unknown>) {
  const { signal } = new AbortController();
  const context = {
    jobs: async () => bench.jobs,
    clock: bench.clock,
    redact: (text: string) => text,
    signal,
    progress: () => undefined,
  } as unknown as ToolContext;
  const began = bench.clock.monotonic();
  const call: { outcome?: ToolOutcome; tookMs?: number } = {};
  const input = getJobStatus.input.parse(args);
  const done = getJobStatus.handle(input, context).then((outcome) => {
    Object.assign(call, { outcome, tookMs: bench.clock.monotonic() - began });
  });
  return { call, done, signal };
}

/** A job that an earlier process left, and that is still being made. */
async function leftRunning(id = 'job_7'): Promise<void> {
  bench.provider.readings = [remoteJob('processing')];
  const now = bench.clock.now();
  const remote = { remoteId: `dt_${id}`, remoteStatus: 'PROCESSING', acceptedAt: now };
  await bench.jobStore.add(
    sampleJob({ id, state: 'processing', owner: owner(7), createdAt: now, updatedAt: now, ...remote }),
  );
}

describe('a call about a job that nobody works on', () => {
  it.each([0.5, 2, 7, 45])('ends on time when it waits %s s, its first news included', async (seconds) => {
    await leftRunning();
    const { call, done } = asked({ job_id: 'job_7', wait_seconds: seconds });
    await bench.clock.advance(seconds * 1_000 - 1);
    expect(call.outcome).toBeUndefined();
    await bench.clock.advance(1);
    await done;
    expect(call).toMatchObject({ tookMs: seconds * 1_000, outcome: { job: { state: 'processing' } } });
  });

  it('waits a second for its first news when it does not wait for the picture', async () => {
    await leftRunning();
    const { call, done } = asked({ job_id: 'job_7' });
    await bench.clock.advance(1_000);
    await done;
    expect(call.tookMs).toBe(1_000);
    bench.provider.readings = [remoteJob('completed')];
    await leftRunning('job_8');
    bench.provider.readings = [remoteJob('completed')];
    const next = asked({ job_id: 'job_8' });
    await bench.clock.advance(1_000);
    await next.done;
    expect(next.call.tookMs).toBeLessThan(1_000);
    expect(next.call.outcome).not.toMatchObject({ job: { state: 'processing' } });
  });
});

describe('a call about several jobs', () => {
  const answered = async (args: Record<string, unknown>) => {
    const { call, done } = asked(args);
    await bench.clock.advance(Number(args.wait_seconds ?? 1) * 1_000);
    await done;
    if (call.outcome?.type !== 'jobs') throw new Error('no jobs');
    const options = { now: bench.clock.now() };
    return { view: batchView(call.outcome, options), outcome: call.outcome, tookMs: call.tookMs };
  };
  const ended = (id: string, patch: object = {}) =>
    bench.jobStore.add(sampleJob({ id, state: 'saved', file: `/p/${id}.jpg`, remoteId: `dt_${id}`, ...patch }));
  const interrupted = sampleFailure({ kind: 'interrupted', creditsSpent: 'no' });

  it('has them in the order asked for, each once, and how many are finished, failed and open', async () => {
    await ended('job_1', { batch: 'job_1', number: 1 });
    await ended('job_2', { state: 'failed', file: undefined, failure: interrupted });
    await leftRunning('job_3');
    const job_ids = ['job_3', 'job_2', 'dt_job_1', 'job_1', 'job_3'];
    const { view } = await answered({ job_ids, wait_seconds: 3 });
    expect(view).toMatchObject({ completed: 1, failed: 1, pending: 1 });
    // They may be of several calls.
    expect((await answered({ job_ids: ['job_1'] })).view).not.toHaveProperty('batch_id');
    expect(view.jobs.map(({ job_id, status, number }) => [job_id, status, number])).toEqual([
      ['job_3', 'processing', undefined],
      ['job_2', 'failed', undefined],
      ['job_1', 'completed', 1],
    ]);
    expect(view.next).toMatch(
      /^Call get_job_status with the job_ids of the pictures that are unfinished or being saved and wait_seconds 45/u,
    );
  });

  it('names those that are not on record, and loses none of the others', async () => {
    await ended('job_1');
    const { view } = await answered({ job_ids: ['nobody', 'job_1', 'no"body'] });
    expect(view.jobs.map(({ job_id }) => job_id)).toEqual(['job_1']);
    expect(view.next).toMatch(
      /^job_ids: there are no jobs "nobody", "no'body" on record for this service and key\. list_jobs lists all jobs\./u,
    );
  });

  it('is an error when none is on record', async () => {
    const { done } = asked({ job_ids: ['job_a', 'job_b'] });
    const reason = { what: 'job_ids: there are no jobs "job_a", "job_b" on record for this service and key.' };
    await expect(done).rejects.toMatchObject({ failure: { kind: 'bad_input', reason } });
  });

  it('ends on time for fifty that nobody works on, which do not all listen to the signal of the call', async () => {
    const job_ids = Array.from({ length: 50 }, (_, n) => `job_${n}`);
    for (const id of job_ids) await leftRunning(id);
    const { view, tookMs } = await answered({ job_ids, wait_seconds: 2 });
    expect(view).toMatchObject({ completed: 0, failed: 0, pending: 50 });
    expect(tookMs).toBe(2_000);

    const others = Array.from({ length: 50 }, (_, n) => `job_other${n}`);
    for (const id of others) await leftRunning(id);
    const { signal, done, call } = asked({ job_ids: others });
    await bench.clock.advance(0);
    // Node warns of more than ten.
    expect(getEventListeners(signal, 'abort').length).toBeLessThan(10);
    await bench.clock.advance(1_000);
    await done;
    expect(call.tookMs).toBe(1_000);
  });
});
