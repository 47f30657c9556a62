/** Proves that one request asks for all jobs of a process, that none touches another, and that the past is learnt from. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remoteJob } from '../core/sample-jobs.ts';
import { type Bench, type BenchSettings, createBench, type OneProcess, startProcess, thrown } from '../jobs/fakes.ts';

let bench: Bench;
const closing: OneProcess[] = [];
function start(settings: BenchSettings = {}): void {
  bench = createBench({ plan: 'pro', ...settings });
  bench.provider.isNumbering = true;
  bench.provider.readings = [remoteJob('processing')];
  closing.push(bench);
}
beforeEach(() => start());
afterEach(async () => {
  await Promise.all(closing.splice(0).map(({ jobs }) => jobs.close()));
});

const request = (prompt: string) => ({ prompt, width: 1024, height: 1024 });
const order = (prompt: string) => bench.order(request(prompt));
const stateOf = async (id: string) => (await bench.recorded(id)).state;
const ends = (id: string, phase: 'completed' | 'failed' = 'completed'): void =>
  void bench.provider.readingOf.set(id, remoteJob(phase));

/** Pictures of the past, each by itself, that take so long. */
async function learn(count: number, tookMs: number): Promise<void> {
  const { provider, clock } = bench;
  for (let n = 1; n <= count; n += 1) {
    const { job } = await order(`past ${n}`);
    await clock.advance(tookMs);
    ends(`dt_${provider.submitted.length}`);
    await clock.advance(60_000);
    expect(await stateOf(job.id)).toBe('saved');
  }
  provider.reads.length = 0;
  provider.requests.length = 0;
}

describe('several jobs', () => {
  it('are asked for in one request', async () => {
    for (const prompt of ['one', 'two', 'three']) await order(prompt);
    await bench.clock.advance(1_500);
    expect(bench.provider.requests).toEqual([['dt_1', 'dt_2', 'dt_3']]);
  });

  it('that were ordered at other times are asked for along with one whose time has come', async () => {
    await order('one');
    await bench.clock.advance(1_000);
    await order('two');
    await bench.clock.advance(500);
    expect(bench.provider.requests).toEqual([['dt_1', 'dt_2']]);
    ends('dt_2');
    // Its next poll counts from this one.
    await bench.clock.advance(1_750);
    expect(await stateOf('job_2')).toBe('saved');
  });

  it('do not touch each other: one that cannot be read, one that has failed, one that is finished', async () => {
    for (const prompt of ['one', 'two', 'three', 'four']) await order(prompt);
    bench.provider.readingOf.set('dt_1', thrown({ kind: 'service_error' }));
    ends('dt_2', 'failed');
    ends('dt_3');
    await bench.clock.advance(1_500);
    expect(await Promise.all(['job_1', 'job_2', 'job_3', 'job_4'].map(stateOf))).toEqual([
      'processing',
      'failed',
      'saved',
      'processing',
    ]);
    expect((await bench.recorded('job_1')).failure?.kind).toBe('service_error');
    ends('dt_1');
    ends('dt_4');
    await bench.clock.advance(5_000);
    expect(await Promise.all(['job_1', 'job_4'].map(stateOf))).toEqual(['saved', 'saved']);
    expect((await bench.recorded('job_1')).failure).toBeUndefined();
  });

  it('are asked for one by one, each in its own time, where the service counts each of them', async () => {
    await bench.limits.learn({ window: { limit: 60, remaining: 50, resetsAt: bench.clock.now() + 60_000 } });
    await bench.limits.learn({ window: { remaining: 45, resetsAt: bench.clock.now() + 60_000 }, fields: 5 });
    await order('one');
    await bench.clock.advance(1_000);
    await order('two');
    await bench.clock.advance(1_500);
    expect(bench.provider.requests).toEqual([['dt_1'], ['dt_2']]);
  });

  it('are asked for one by one, each in its own time, where a request can ask for a single one', async () => {
    bench.provider.atOnce = 1;
    await order('one');
    await bench.clock.advance(1_000);
    await order('two');
    await bench.clock.advance(1_500);
    expect(bench.provider.requests).toEqual([['dt_1'], ['dt_2']]);
  });

  it('that are due in a moment join the request, even if it then takes one more', async () => {
    bench.provider.atOnce = 3;
    await order('one');
    await bench.clock.advance(200);
    for (const prompt of ['two', 'three', 'four']) await order(prompt);
    await bench.clock.advance(1_300);
    // Only the first was due by then: room for two more without a further request, but all three are due within 200 ms.
    expect(bench.provider.requests.flat().toSorted()).toEqual(['dt_1', 'dt_2', 'dt_3', 'dt_4']);
  });

  it('that are not due are asked for only as far as the same request has room for them', async () => {
    bench.provider.atOnce = 3;
    await order('one');
    await bench.clock.advance(1_000);
    for (const prompt of ['two', 'three', 'four', 'five']) await order(prompt);
    await bench.clock.advance(500);
    expect(bench.provider.requests.map((ids) => ids.length)).toEqual([3]);
  });

  it('of which the service has asked for silence are not asked for along with others until it has ended', async () => {
    await order('one');
    bench.provider.readingOf.set('dt_1', thrown({ kind: 'rate_limited', retryAfterSeconds: 20 }));
    await bench.clock.advance(1_500);
    bench.provider.readingOf.set('dt_1', remoteJob('processing'));
    bench.provider.requests.length = 0;
    await order('two');
    await bench.clock.advance(19_900);
    expect(bench.provider.requests.length).toBeGreaterThan(2);
    expect(bench.provider.requests.flat()).not.toContain('dt_1');
    await bench.clock.advance(3_000);
    expect(bench.provider.requests.flat()).toContain('dt_1');
  });

  it('end with the process, and leave no timer behind', async () => {
    for (const prompt of ['one', 'two']) await order(prompt);
    await bench.clock.advance(1_000);
    await bench.jobs.close();
    expect(bench.clock.pending()).toBe(0);
  });
});

describe('what another process has put on record', () => {
  it('is not asked of the service', async () => {
    await order('one');
    await bench.clock.advance(1_000);
    await bench.jobStore.change('job_1', (job) => ({ ...job, state: 'saved', file: '/pictures/fox.jpg' }));
    await bench.clock.advance(60_000);
    expect(bench.provider.requests).toEqual([]);
  });

  it('is noticed by a wait within 100 ms', async () => {
    await order('one');
    const other = startProcess(2, bench);
    closing.push(other);
    other.provider.readings = [remoteJob('processing')];
    await other.jobs.check('job_1');
    const began = bench.clock.monotonic();
    const waiting = other.jobs.waitFor('job_1', { waitMs: 30_000 }).then(() => bench.clock.monotonic());
    await bench.clock.advance(730);
    await bench.jobStore.change('job_1', (job) => ({ ...job, state: 'saved', file: '/pictures/fox.jpg' }));
    await bench.clock.advance(5_000);
    expect((await waiting) - began).toBeLessThanOrEqual(830);
  });
});

describe('a wait', () => {
  it('ends at the very moment in which the poller knows', async () => {
    await order('one');
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 30_000 }).then(() => bench.clock.monotonic());
    ends('dt_1');
    await bench.clock.advance(30_000);
    expect(await waiting).toBe(1_500);
  });
});

describe('the past', () => {
  it('is noted for each kind of picture', async () => {
    await learn(3, 12_000);
    expect(await bench.durations.recall(request('any'))).toHaveLength(3);
    expect(await bench.durations.recall({ ...request('any'), width: 2048, height: 2048 })).toEqual([]);
  });

  it('of a job that was ordered again after a crash is not', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' }), remoteJob('processing')];
    await order('one');
    await bench.clock.advance(60_000);
    ends('dt_2');
    await bench.jobs.check('job_1');
    await bench.clock.advance(10_000);
    expect(await stateOf('job_1')).toBe('saved');
    expect(await bench.durations.recall(request('one'))).toEqual([]);
  });

  it('says when asking pays: a picture of a known kind is not asked for before it can be finished', async () => {
    await learn(12, 20_000);
    const began = bench.clock.monotonic();
    await order('now');
    await bench.clock.advance(20_000);
    ends(`dt_${bench.provider.submitted.length}`);
    await bench.clock.advance(10_000);
    const times = bench.provider.reads.map(({ at }) => at - began);
    expect(times[0]).toBeGreaterThan(10_000);
    expect(times.length).toBeLessThanOrEqual(6);
    expect(times.at(-1)).toBeLessThan(24_000);
  });
});
