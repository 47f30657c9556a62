/** What is read of jobs: in time, whoever left them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getJobStatus } from '../../../src/mcp/tools/get-job-status.ts';
import type { ToolContext, ToolOutcome } from '../../../src/mcp/tool.ts';
import { owner, remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench } from '../jobs/fakes.ts';

let bench: Bench;
beforeEach(() => {
  bench = createBench({ plan: 'pro' });
});
afterEach(() => bench.jobs.close());

/** Starts the call; `tookMs` is there once it has answered. */
function asked(args: Record<string, unknown>) {
  const context = {
    jobs: async () => bench.jobs,
    clock: bench.clock,
    redact: (text: string) => text,
    signal: new AbortController().signal,
    progress: () => undefined,
  } as unknown as ToolContext;
  const began = bench.clock.monotonic();
  const call: { outcome?: ToolOutcome; tookMs?: number } = {};
  const input = getJobStatus.input.parse(args);
  const done = getJobStatus.handle(input, context).then((outcome) => {
    Object.assign(call, { outcome, tookMs: bench.clock.monotonic() - began });
  });
  return { call, done };
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
