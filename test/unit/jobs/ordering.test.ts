/** Proves what happens between an order and the saved picture, and what is on record before money can move. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wordsOf } from '../../support/words.ts';
import { remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { listedIn } from '../../support/listed-jobs.ts';
import { type Bench, createBench, REQUEST, thrown } from './fakes.ts';

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.jobs.close());

describe('an order', () => {
  it('goes from queued to saved, each state on record in turn', async () => {
    const { job, duplicate } = await bench.order(REQUEST, { fileName: 'fox' });
    expect(duplicate).toBe(false);
    expect(job).toMatchObject({ id: 'job_1', state: 'queued', request: REQUEST, sandbox: false });
    await bench.clock.advance(1_500);
    const states = bench.jobStore.history.map(({ state }) => state);
    expect(states).toEqual(['queued', 'submitting', 'processing', 'completed', 'saved']);
    expect(await bench.recorded()).toMatchObject({
      remoteId: 'dt_1',
      url: 'https://cdn.doitong.com/1.jpg',
      file: '/pictures/fox.jpg',
      mediaType: 'image/jpeg',
      credits: { min: 10, max: 20, exact: 12 },
    });
    expect(bench.provider.submitted).toHaveLength(1);
    expect(bench.download.fetched).toEqual(['https://cdn.doitong.com/1.jpg']);
    expect(bench.store.labels).toEqual([
      {
        jobId: 'job_1',
        prompt: 'a fox',
        createdAt: job.createdAt,
        fileName: 'fox',
        about: {
          width: 1_024,
          height: 1_024,
          credits: 12,
          doitong_id: 'dt_1',
          created_at: '2026-11-01T00:00:00.000Z',
          completed_at: '2026-11-01T00:00:01.500Z',
        },
      },
    ]);
  });

  it('has its key on record before the request leaves, and sends that very key', async () => {
    let onRecord: unknown;
    bench.provider.onSending = () => {
      onRecord = bench.jobStore.history.map(({ state, idempotencyKey }) => [state, idempotencyKey]);
    };
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect(onRecord).toEqual([
      ['queued', 'key-1'],
      ['submitting', 'key-1'],
    ]);
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-1']);
  });

  it('has a key of its own: two pictures that are wanted are two orders', async () => {
    await bench.order(REQUEST);
    await bench.order({ ...REQUEST, prompt: 'a hare' });
    await bench.clock.advance(10_000);
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-1', 'key-2']);
  });

  it('says so when it is made in the sandbox', async () => {
    const sandbox = createBench({ sandbox: true });
    expect((await sandbox.order(REQUEST)).job.sandbox).toBe(true);
    await sandbox.jobs.close();
  });

  it('needs no poll when the first answer brings the picture', async () => {
    bench.provider.submissions = [remoteJob('completed')];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect((await bench.recorded()).state).toBe('saved');
    expect(bench.provider.reads).toEqual([]);
  });
});

describe('without a key', () => {
  it('nothing is recorded and nothing is sent', async () => {
    bench.provider.unavailability = {
      kind: 'bad_key',
      reason: { code: 'no_api_key' },
      creditsSpent: 'no',
      retry: 'no',
    };
    await expect(bench.order(REQUEST)).rejects.toMatchObject({ failure: { kind: 'bad_key' } });
    await bench.clock.advance(60_000);
    expect(bench.jobStore.history).toEqual([]);
    expect(bench.provider.submitted).toEqual([]);
  });
});

describe('a submission that fails', () => {
  it('ends the job when it certainly cost nothing', async () => {
    bench.provider.submissions = [thrown({ kind: 'no_credits', creditsSpent: 'no', retry: 'no' })];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    const job = await bench.recorded();
    expect(job).toMatchObject({ state: 'failed', failure: { kind: 'no_credits' }, completedAt: job.createdAt });
    await bench.jobs.check('job_1');
    await bench.clock.advance(60_000);
    expect(bench.provider.submitted).toHaveLength(1);
  });

  it.each([
    ['maybe', thrown({ kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' })],
    ['yes', thrown({ kind: 'service_error', creditsSpent: 'yes', retry: 'same_job' })],
    ['nobody knows', new TypeError('unforeseen')],
  ])('leaves the job open when credits were spent: %s', async (_, error) => {
    bench.provider.submissions = [error];
    await bench.order(REQUEST);
    await bench.clock.advance(60_000);
    const job = await bench.recorded();
    expect(job.state).toBe('submitting');
    expect(job.failure).toMatchObject({ retry: 'same_job' });
    expect(new Set(bench.provider.submitted.map(({ key }) => key))).toEqual(new Set(['key-1']));
  });

  it('is sent again by itself with growing pauses, under the same key, to the same picture', async () => {
    const lost = thrown({ kind: 'ambiguous', retry: 'same_job' });
    bench.provider.submissions = [lost, lost, lost, remoteJob('processing')];
    await bench.order(REQUEST);
    for (const [afterMs, tries] of [
      [9_999, 1],
      [1, 2],
      [19_999, 2],
      [1, 3],
      [39_999, 3],
      [1, 4],
    ] as const) {
      await bench.clock.advance(afterMs);
      expect(bench.provider.submitted).toHaveLength(tries);
    }
    expect((await bench.recorded()).failure).toBeUndefined();
    await bench.clock.advance(10_000);
    expect((await bench.recorded()).state).toBe('saved');
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-1', 'key-1', 'key-1', 'key-1']);
    expect(await listedIn(bench.jobs)).toHaveLength(1);
  });

  it('is not sent sooner because somebody reads it, who waits for it instead', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' }), remoteJob('completed')];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect(await bench.jobs.check('job_1')).toMatchObject({ state: 'submitting', failure: { kind: 'ambiguous' } });
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000 });
    await bench.clock.advance(9_999);
    expect(bench.provider.submitted).toHaveLength(1);
    await bench.clock.advance(5_000);
    expect((await waiting).state).toBe('saved');
    expect(bench.provider.submitted).toHaveLength(2);
  });

  it('is sent at once by an equal order, under the same key', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' }), remoteJob('completed')];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    const { job, duplicate } = await bench.order(REQUEST);
    expect([job.id, duplicate]).toEqual(['job_1', true]);
    await bench.clock.advance(0);
    expect((await bench.recorded()).state).toBe('saved');
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-1', 'key-1']);
  });

  it('is not closed by a refusal of a later try: the earlier one may have been carried out', async () => {
    bench.provider.submissions = [
      thrown({ kind: 'ambiguous', retry: 'same_job' }),
      thrown({ kind: 'no_credits', creditsSpent: 'no', retry: 'no' }),
    ];
    await bench.order(REQUEST);
    await bench.clock.advance(10_000);
    const job = await bench.jobs.check('job_1');
    expect(job).toMatchObject({
      state: 'submitting',
      failure: { kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' },
    });
    expect(wordsOf(job?.failure).what).toContain('An earlier try of this order may have been carried out.');
  });

  it('is not sent twice by two equal orders at once', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' }), 'stall'];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    const orders = Promise.all([bench.order(REQUEST), bench.order(REQUEST)]);
    await bench.clock.advance(5_000);
    await orders;
    expect(bench.provider.submitted).toHaveLength(2);
  });
});

describe('check and find', () => {
  it("know a job by our id and by the service's, and no other", async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(1_500);
    expect((await bench.jobs.check('dt_1'))?.id).toBe('job_1');
    expect((await bench.jobs.find('dt_1'))?.id).toBe('job_1');
    expect(await bench.jobs.check('job_2')).toBeUndefined();
    expect(await bench.jobs.find('')).toBeUndefined();
  });

  it('find asks nobody, even about a job that is idle', async () => {
    bench.provider.readings = [thrown({ kind: 'rate_limited', retryAfterSeconds: 600 })];
    await bench.order(REQUEST);
    await bench.clock.advance(60_000);
    const asked = bench.provider.reads.length;
    await bench.jobs.find('job_1');
    await bench.clock.advance(60_000);
    expect(bench.provider.reads).toHaveLength(asked);
  });

  it('check of a job that is under way answers at once and asks nobody', async () => {
    bench.provider.submissions = ['stall'];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect((await bench.jobs.check('job_1'))?.state).toBe('submitting');
    expect(bench.provider.submitted).toHaveLength(1);
  });

  it('check waits for news 5 s at most', async () => {
    await bench.jobStore.add(sampleJob({ state: 'processing', remoteId: 'dt_1', createdAt: bench.clock.now() }));
    bench.provider.readings = ['stall'];
    let answered = false;
    const polling = bench.jobs.check('job_1').then(() => {
      answered = true;
    });
    await bench.clock.advance(4_999);
    expect(answered).toBe(false);
    await bench.clock.advance(1);
    await polling;
  });
});
