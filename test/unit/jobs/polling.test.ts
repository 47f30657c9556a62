/** Proves that polling a job can be disturbed and interrupted, and that only the service can end the job. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wordsOf } from '../../support/words.ts';
import { remoteJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, PICTURE, REQUEST, thrown } from './fakes.ts';

const MINUTE = 60_000;

let bench: Bench;
beforeEach(() => {
  bench = createBench({ plan: 'pro' });
});
afterEach(() => bench.jobs.close());

const readTimes = (): number[] => bench.provider.reads.map(({ at }) => Math.round(at));

describe('a job under way', () => {
  it('is asked for in the rhythm of the schedule', async () => {
    bench.provider.readings = [remoteJob('processing')];
    await bench.order(REQUEST);
    await bench.clock.advance(20_000);
    expect(readTimes()).toEqual([1_500, 3_750, 7_125, 12_188, 19_781]);
    expect(bench.provider.reads.every(({ remoteId }) => remoteId === 'dt_1')).toBe(true);
  });

  it('fails when the service says so, with its reason', async () => {
    bench.provider.readings = [remoteJob('failed')];
    await bench.order(REQUEST);
    await bench.clock.advance(1_500);
    expect(await bench.recorded()).toMatchObject({ state: 'failed', failure: { kind: 'generation_failed' } });
    expect(bench.download.fetched).toEqual([]);
  });

  it('is polled for a quarter of an hour, then idle, and polled again when somebody checks it', async () => {
    bench.provider.readings = [remoteJob('processing')];
    await bench.order(REQUEST);
    await bench.clock.advance(16 * MINUTE);
    const asked = bench.provider.reads.length;
    await bench.clock.advance(60 * MINUTE);
    expect(bench.provider.reads).toHaveLength(asked);
    expect((await bench.recorded()).state).toBe('processing');

    bench.provider.readings = [remoteJob('completed')];
    const polling = bench.jobs.check('job_1');
    await bench.clock.advance(0);
    expect((await polling)?.state).toBe('completed');
    await bench.clock.advance(0);
    expect((await bench.recorded()).state).toBe('saved');
    expect(bench.provider.submitted).toHaveLength(1);
  });
});

describe('a status request that fails', () => {
  it.each([
    thrown({ kind: 'unreachable' }),
    thrown({ kind: 'service_error' }),
    thrown({ kind: 'rate_limited' }),
    thrown({ kind: 'bad_key', retry: 'no' }),
    thrown({ kind: 'unsupported_service', creditsSpent: 'no', retry: 'no' }),
    new TypeError('unforeseen'),
  ])('never fails the job: %s', async (error) => {
    bench.provider.readings = [error];
    await bench.order(REQUEST);
    await bench.clock.advance(2 * MINUTE);
    const job = await bench.recorded();
    expect(job.state).toBe('processing');
    expect(job.failure).toBeDefined();
    expect(job.completedAt).toBeUndefined();
  });

  it('is forgotten with the next answer', async () => {
    bench.provider.readings = [thrown({ kind: 'unreachable' }), remoteJob('processing'), remoteJob('completed')];
    await bench.order(REQUEST);
    await bench.clock.advance(1_500);
    expect((await bench.recorded()).failure?.kind).toBe('unreachable');
    await bench.clock.advance(2_250);
    expect((await bench.recorded()).failure).toBeUndefined();
    await bench.clock.advance(3_375);
    expect((await bench.recorded()).state).toBe('saved');
  });

  it('is repeated after growing pauses when asking again cannot help, until the job is stalled, and on demand', async () => {
    bench.provider.readings = [thrown({ kind: 'unsupported_service', retry: 'no' })];
    await bench.order(REQUEST);
    await bench.clock.advance(60 * MINUTE);
    expect(readTimes()).toEqual([1_500, 11_500, 31_500, 71_500, 151_500, 311_500, 631_500]);
    bench.provider.readings = [remoteJob('completed')];
    const polling = bench.jobs.check('job_1');
    await bench.clock.advance(0);
    await polling;
    expect((await bench.recorded()).state).toBe('saved');
  });

  it('is not repeated before the service wants it to be', async () => {
    bench.provider.readings = [thrown({ kind: 'rate_limited', retryAfterSeconds: 40 }), remoteJob('completed')];
    await bench.order(REQUEST);
    await bench.clock.advance(MINUTE);
    expect(readTimes()).toEqual([1_500, 41_500]);
  });
});

describe("the service's request window", () => {
  it('delays a status request until it opens again', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    await bench.limits.learn({ window: { remaining: 0, resetsAt: bench.clock.now() + 30_000 } });
    await bench.clock.advance(29_999);
    expect(bench.provider.reads).toEqual([]);
    await bench.clock.advance(50);
    expect(readTimes()).toEqual([30_020]);
  });

  it('delays nothing as long as more are left than what is kept for orders', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    await bench.limits.learn({ window: { remaining: 13, resetsAt: bench.clock.now() + 30_000 } });
    await bench.clock.advance(1_500);
    expect(readTimes()).toEqual([1_500]);
  });
});

describe('a picture that cannot be fetched', () => {
  it('because its host is refused leaves the job completed, with its address', async () => {
    bench.download.answers = [thrown({ kind: 'download_failed', creditsSpent: 'yes', retry: 'no' })];
    await bench.order(REQUEST);
    await bench.clock.advance(2_000);
    expect(await bench.recorded()).toMatchObject({
      state: 'completed',
      url: 'https://cdn.doitong.com/1.jpg',
      failure: { kind: 'download_failed' },
    });
    expect(bench.download.fetched).toHaveLength(1);
  });

  it('is tried five times with short pauses, and again after a minute', async () => {
    bench.download.answers = [thrown({ kind: 'download_failed', creditsSpent: 'yes', retry: 'same_job' })];
    await bench.order(REQUEST);
    await bench.clock.advance(MINUTE);
    expect(bench.download.fetched).toHaveLength(5);
    expect(bench.clock.slept.filter((ms) => [250, 500, 1_000, 2_000].includes(ms))).toEqual([250, 500, 1_000, 2_000]);
    expect((await bench.recorded()).state).toBe('completed');
    await bench.clock.advance(10_000);
    expect(bench.download.fetched).toHaveLength(10);
  });

  it('is fetched again after 1, 2, 4 … 60 minutes, for a day, without asking for its money again', async () => {
    bench.download.answers = [thrown({ kind: 'download_failed', creditsSpent: 'yes', retry: 'no' })];
    await bench.order(REQUEST);
    await bench.clock.advance(1_500);
    let tries = 1;
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60, 60]) {
      await bench.clock.advance(minutes * MINUTE - 1);
      expect(bench.download.fetched).toHaveLength(tries);
      tries += 1;
      await bench.clock.advance(1);
      expect(bench.download.fetched).toHaveLength(tries);
    }
    await bench.clock.advance(24 * 60 * MINUTE);
    const inADay = bench.download.fetched.length;
    expect(inADay).toBe(7 + 22);
    await bench.clock.advance(24 * 60 * MINUTE);
    expect(bench.download.fetched).toHaveLength(inADay);
    bench.download.answers = [PICTURE];
    expect((await bench.jobs.check('job_1'))?.state).toBe('saved');
    expect(bench.provider.submitted).toHaveLength(1);
  });

  it('is saved by itself when its host answers again', async () => {
    bench.download.answers = [thrown({ kind: 'download_failed', creditsSpent: 'yes', retry: 'no' })];
    await bench.order(REQUEST);
    await bench.clock.advance(40 * MINUTE);
    expect((await bench.recorded()).state).toBe('completed');
    bench.download.answers = [PICTURE];
    await bench.clock.advance(32 * MINUTE);
    expect((await bench.recorded()).state).toBe('saved');
    expect(bench.provider.submitted).toHaveLength(1);
  });

  it('is fetched at the next check, without asking or paying the service again', async () => {
    bench.download.answers = [thrown({ kind: 'download_failed', creditsSpent: 'yes', retry: 'no' })];
    await bench.order(REQUEST);
    await bench.clock.advance(2_000);
    const asked = bench.provider.reads.length;
    bench.download.answers = bench.download.answers.slice(1);
    bench.download.answers.push({ bytes: new Uint8Array([1]), mediaType: 'image/png', extension: 'png' });
    const job = await bench.jobs.check('job_1');
    expect(job).toMatchObject({ state: 'saved', mediaType: 'image/png' });
    expect(job?.failure).toBeUndefined();
    expect(bench.provider.reads).toHaveLength(asked);
    expect(bench.provider.submitted).toHaveLength(1);
  });
});

describe('a picture that cannot be saved', () => {
  it('is not fetched again, stays completed, and is saved at the next check, or by itself', async () => {
    const full = thrown({ kind: 'storage_failed', creditsSpent: 'yes', retry: 'same_job' });
    bench.store.answers = [full, full, '/p/1.jpg'];
    await bench.order(REQUEST);
    await bench.clock.advance(MINUTE + 2_000);
    expect(bench.store.labels).toHaveLength(2);
    expect(await bench.recorded()).toMatchObject({ state: 'completed', failure: { kind: 'storage_failed' } });
    expect(bench.download.fetched).toHaveLength(1);
    expect(await bench.jobs.check('job_1')).toMatchObject({ state: 'saved', file: '/p/1.jpg' });
  });

  it('for an unforeseen reason is reported without its words', async () => {
    bench.store.answers = [new RangeError('secret words')];
    await bench.order(REQUEST);
    await bench.clock.advance(MINUTE);
    const { failure } = await bench.recorded();
    expect(wordsOf(failure).what).toBe('Saving the picture ended in an unforeseen error (RangeError).');
    expect(failure?.creditsSpent).toBe('yes');
  });
});
