/** Proves that waiting is apart from the job: it ends by itself, by the caller or by the process, and the job lives on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remoteJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, REQUEST, thrown } from './fakes.ts';

let bench: Bench;
beforeEach(() => {
  bench = createBench({ plan: 'pro' });
});
afterEach(() => bench.jobs.close());

describe('waitFor', () => {
  it('answers as soon as the picture is saved', async () => {
    await bench.order(REQUEST);
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000 });
    await bench.clock.advance(1_500);
    expect((await waiting).state).toBe('saved');
    expect(bench.clock.monotonic()).toBe(1_500);
  });

  it('answers after waitMs with the job still running, and the job goes on', async () => {
    bench.provider.readings = [remoteJob('processing')];
    await bench.order(REQUEST);
    let job: unknown;
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000 }).then((answer) => {
      job = answer;
    });
    await bench.clock.advance(44_999);
    expect(job).toBeUndefined();
    await bench.clock.advance(1);
    await waiting;
    expect(job).toMatchObject({ state: 'processing', remoteId: 'dt_1' });
    bench.provider.readings = [remoteJob('completed')];
    await bench.clock.advance(20_000);
    expect((await bench.recorded()).state).toBe('saved');
  });

  it('answers at once when it may not wait', async () => {
    bench.provider.submissions = ['stall'];
    await bench.order(REQUEST);
    expect((await bench.jobs.waitFor('job_1', { waitMs: 0 })).state).not.toBe('saved');
    expect(bench.clock.monotonic()).toBe(0);
  });

  it('answers early when nothing more happens to the job for now', async () => {
    bench.provider.readings = [thrown({ kind: 'rate_limited', retryAfterSeconds: 600 })];
    await bench.order(REQUEST);
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 300_000 });
    await bench.clock.advance(10_000);
    expect(await waiting).toMatchObject({ state: 'processing', failure: { kind: 'rate_limited' } });
  });

  it('lasts while an order without an answer is sent again by itself', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' }), remoteJob('completed')];
    await bench.order(REQUEST);
    const short = bench.jobs.waitFor('job_1', { waitMs: 9_000 });
    const long = bench.jobs.waitFor('job_1', { waitMs: 300_000 });
    await bench.clock.advance(12_000);
    expect(await short).toMatchObject({ state: 'submitting', failure: { kind: 'ambiguous' } });
    expect((await long).state).toBe('saved');
  });

  it('reports progress at the start, at every change and at least every two seconds', async () => {
    bench.provider.readings = [remoteJob('processing')];
    await bench.order(REQUEST);
    const ticks: [string, number][] = [];
    const waiting = bench.jobs.waitFor('job_1', {
      waitMs: 10_000,
      onTick: ({ job: { state }, elapsedMs }) => void ticks.push([state, elapsedMs]),
    });
    await bench.clock.advance(10_000);
    await waiting;
    const times = ticks.map(([, elapsedMs]) => elapsedMs);
    expect(times[0]).toBe(0);
    expect(ticks.map(([state]) => state)).toContain('processing');
    for (const [index, time] of times.entries()) {
      expect(time - (times[index - 1] ?? 0)).toBeLessThanOrEqual(2_000);
      expect(time).toBeLessThan(10_000);
    }
  });

  it('may be several at once for one job', async () => {
    await bench.order(REQUEST);
    const waits = [1, 2, 3].map(() => bench.jobs.waitFor('job_1', { waitMs: 45_000 }));
    await bench.clock.advance(1_500);
    expect((await Promise.all(waits)).map(({ state }) => state)).toEqual(['saved', 'saved', 'saved']);
    expect(bench.provider.reads).toHaveLength(1);
  });

  it('leaves no timer behind', async () => {
    await bench.order(REQUEST);
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000 });
    await bench.clock.advance(1_500);
    await waiting;
    // The one that looks after open jobs ends when there are none.
    await bench.clock.advance(5_000);
    expect(bench.clock.pending()).toBe(0);
  });
});

describe('a caller who gives up', () => {
  it('ends the wait at once and never the job: the service sees no abort', async () => {
    bench.provider.readings = ['stall'];
    await bench.order(REQUEST);
    const caller = new AbortController();
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000, signal: caller.signal });
    await bench.clock.advance(3_000);
    caller.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    const signals = [...bench.provider.submitted, ...bench.provider.reads].map(({ signal }) => signal.aborted);
    expect(signals).toEqual([false, false]);
    expect((await bench.recorded()).state).toBe('processing');
  });

  it('during the submission changes nothing about it', async () => {
    bench.provider.submissions = ['stall'];
    await bench.order(REQUEST);
    const caller = new AbortController();
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000, signal: caller.signal });
    await bench.clock.advance(0);
    caller.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    expect(bench.provider.submitted.map(({ signal }) => signal.aborted)).toEqual([false]);
    expect((await bench.recorded()).state).toBe('submitting');
  });

  it('before the wait began gets no job, and the job is saved all the same', async () => {
    await bench.order(REQUEST);
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(bench.jobs.waitFor('job_1', { waitMs: 45_000, signal })).rejects.toThrow('cancelled');
    await bench.clock.advance(1_500);
    expect((await bench.recorded()).state).toBe('saved');
  });
});

describe('close', () => {
  it('aborts what is under way and ends nothing at the service', async () => {
    bench.provider.submissions = ['stall', 'stall'];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    await bench.jobs.close();
    expect(bench.provider.submitted.map(({ signal }) => signal.aborted)).toEqual([true]);
    const job = await bench.recorded();
    expect(job.state).toBe('submitting');
    expect(job.failure).toBeUndefined();
  });

  it('ends the polling between two status requests, too, and starts nothing any more', async () => {
    bench.provider.readings = [remoteJob('processing')];
    await bench.order(REQUEST);
    await bench.clock.advance(2_000);
    await bench.jobs.close();
    const asked = bench.provider.reads.length;
    await bench.order(REQUEST);
    await bench.clock.advance(60_000);
    expect(bench.provider.reads).toHaveLength(asked);
    expect(bench.provider.submitted).toHaveLength(1);
    expect((await bench.recorded()).state).toBe('processing');
  });

  it('lets those who wait go with the job as it stands', async () => {
    bench.provider.readings = ['stall'];
    await bench.order(REQUEST);
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 300_000 });
    await bench.clock.advance(3_000);
    await bench.jobs.close();
    expect((await waiting).state).toBe('processing');
  });
});
