/** Proves that events end the polling of a job early, that they are hints and no more, and that polling needs none. */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteJob } from '../../../src/core/image-provider.ts';
import { JobRecords } from '../../../src/jobs/job-records.ts';
import { Poller } from '../../../src/polling/poller.ts';
import { remoteJob, sampleJob } from '../core/sample-jobs.ts';
import {
  type Bench,
  type BenchSettings,
  createBench,
  type OneProcess,
  REQUEST,
  startProcess,
  thrown,
} from './fakes.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const URL_SET = 'https://hooks.example.org/doitong';
/** The schedule of jobs of which no event is expected. */
const POLLED = [1_500, 3_750, 7_125, 12_188, 19_781, 29_781];

let bench: Bench;
const closing: OneProcess[] = [];
function start(settings: BenchSettings = {}): void {
  bench = createBench({ webhookUrl: URL_SET, plan: 'pro', ...settings });
  bench.provider.readings = [remoteJob('processing')];
  closing.push(bench);
}
beforeEach(() => start());
afterEach(async () => {
  await Promise.all(closing.splice(0).map(({ jobs }) => jobs.close()));
});

const readTimes = (of: OneProcess = bench): number[] => of.provider.reads.map(({ at }) => Math.round(at));
/** An event for some other job: whether events arrive at all. */
const evidence = (): Promise<void> => bench.events.addMarker('dt_other');

describe('without evidence that events arrive', () => {
  it.each([
    ['none came yet', async () => undefined],
    [
      'the last one came hours ago',
      async () => {
        await evidence();
        await bench.clock.advance(3 * HOUR + 1);
      },
    ],
  ])('a job is polled as if there were none: %s', async (_, before) => {
    await before();
    const since = bench.clock.monotonic();
    await bench.order(REQUEST);
    await bench.clock.advance(30_000);
    expect(readTimes().map((at) => at - since)).toEqual(POLLED);
  });

  it('an event is listened to all the same', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(20_000);
    bench.provider.readings = [remoteJob('completed')];
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(0);
    expect(readTimes()).toEqual([...POLLED.slice(0, 5), 20_000]);
    expect((await bench.recorded()).state).toBe('saved');
  });

  it('the first event slows the polling of the jobs that are still waited for', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(4_000);
    await evidence();
    await bench.clock.advance(66_000);
    expect(readTimes()).toEqual([1_500, 3_750, 7_125, 44_250]);
  });
});

describe('while events arrive', () => {
  beforeEach(() => evidence());

  it('a job is asked for after half a minute, and each minute from then on', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(3.5 * MINUTE);
    expect(readTimes()).toEqual([30_000, 90_000, 150_000, 210_000]);
  });

  it('its event has it read at once, and only what is read counts', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(7_000);
    bench.provider.readings = [remoteJob('completed', { creditCost: 13 })];
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(0);
    expect(readTimes()).toEqual([7_000]);
    expect(await bench.recorded()).toMatchObject({ state: 'saved', credits: { exact: 13 } });
    expect(bench.download.fetched).toEqual(['https://cdn.doitong.com/1.jpg']);
  });

  it('an event of another job changes nothing', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(7_000);
    await bench.events.addMarker('dt_2');
    await bench.clock.advance(0);
    expect(readTimes()).toEqual([]);
  });

  it('a service whose answers lag behind its event is asked in the quick rhythm from then on', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(7_000);
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(8_000);
    expect(readTimes()).toEqual([7_000, 8_500, 10_750, 14_125]);
  });

  it('an event that comes while the job is being read is not lost', async () => {
    let answer = (_: RemoteJob): void => undefined;
    const answers = [new Promise<RemoteJob>((resolve) => (answer = resolve)), remoteJob('completed')];
    bench.provider.readMany = async () => new Map([['dt_1', { job: (await answers.shift()) ?? remoteJob('failed') }]]);
    await bench.order(REQUEST);
    await bench.clock.advance(31_000);
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(0);
    expect((await bench.recorded()).state).toBe('processing');
    answer(remoteJob('processing'));
    await bench.clock.advance(0);
    expect((await bench.recorded()).state).toBe('saved');
  });

  it('a reading that fails after the event is repeated in the quick rhythm', async () => {
    bench.provider.readings = [thrown({ kind: 'unreachable' }), remoteJob('completed')];
    await bench.order(REQUEST);
    await bench.clock.advance(7_000);
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(1_500);
    expect(readTimes()).toEqual([7_000, 8_500]);
    expect((await bench.recorded()).state).toBe('saved');
  });

  it('no event shortens the silence that the service asked for', async () => {
    bench.provider.readings = [
      thrown({ kind: 'rate_limited', retryAfterSeconds: 40 }),
      remoteJob('processing'),
      remoteJob('completed'),
    ];
    await bench.order(REQUEST);
    await bench.clock.advance(30_000);
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(41_500);
    expect(readTimes()).toEqual([30_000, 70_000, 71_500]);
  });

  it('an event that failed to come is the end of the trust, until another comes', async () => {
    bench.provider.readings = [remoteJob('completed')];
    await bench.order(REQUEST);
    await bench.clock.advance(30_000);
    expect((await bench.recorded()).state).toBe('saved');

    const orderAt = async (prompt: string): Promise<number[]> => {
      const known = bench.provider.reads.length;
      const since = bench.clock.monotonic();
      await bench.order({ ...REQUEST, prompt });
      await bench.clock.advance(30_000);
      return readTimes()
        .slice(known)
        .map((at) => at - since);
    };
    expect(await orderAt('a hare')).toEqual([1_500]);
    await evidence();
    expect(await orderAt('a hen')).toEqual([30_000]);
  });

  it('a job that never ends is given up in time, and an event until then is noticed', async () => {
    await evidence();
    await bench.order(REQUEST);
    await bench.clock.advance(15 * MINUTE - 1_000);
    const before = readTimes();
    expect(before[0]).toBe(30_000);
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(0);
    expect(readTimes()).toEqual([...before, 15 * MINUTE - 1_000]);
    await bench.clock.advance(HOUR);
    expect(readTimes()).toEqual([...before, 15 * MINUTE - 1_000]);
    expect(bench.clock.pending()).toBe(0);
  });

  it('events of a job that another process ordered are noticed here as well', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    const other = startProcess(2, bench, { webhookUrl: URL_SET });
    closing.push(other);
    other.provider.readings = [remoteJob('processing'), remoteJob('completed')];
    const waiting = other.jobs.waitFor('job_1', { waitMs: 45_000 });
    await bench.clock.advance(9_000);
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(0);
    expect((await waiting).state).toBe('saved');
    expect(readTimes(other)).toEqual([1_000, 10_000]);
    expect(readTimes()).toEqual([10_000]);
  });

  it('the end of the server ends the wait for one, and leaves no timer behind', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    await bench.jobs.close();
    expect(bench.clock.pending()).toBe(0);
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(MINUTE);
    expect(readTimes()).toEqual([]);
    expect((await bench.recorded()).state).toBe('processing');
  });
});

it('polling, however long, leaves no listeners on the signal that ends it', async () => {
  const life = new AbortController();
  const records = new JobRecords(bench.jobStore, bench.limits, bench.clock);
  const poller = new Poller({ ...bench, records, pictures: { keep: () => undefined } }, URL_SET, life.signal);
  const job = sampleJob({ state: 'processing', remoteId: 'dt_1', webhookUrl: URL_SET });
  await bench.jobStore.add(job);
  const subscribed = poller.follow(job, { atOnce: true, isFresh: false });
  const hanging: number[] = [];
  for (let minute = 0; minute < 5; minute += 1) {
    await bench.clock.advance(MINUTE);
    await bench.events.addMarker('dt_1');
    await bench.clock.advance(0);
    hanging.push(getEventListeners(life.signal, 'abort').length);
  }
  expect(bench.provider.reads.length).toBeGreaterThan(20);
  expect(hanging).toEqual([1, 1, 1, 1, 1]);
  bench.provider.readings = [remoteJob('completed')];
  await bench.clock.advance(MINUTE);
  expect((await subscribed).state).toBe('completed');
  expect(getEventListeners(life.signal, 'abort')).toEqual([]);
});

describe('a job of which no event comes here', () => {
  it('because it was ordered without an address is polled although events arrive for others', async () => {
    start({ webhookUrl: undefined });
    await evidence();
    await bench.order(REQUEST);
    await bench.clock.advance(30_000);
    expect(readTimes()).toEqual(POLLED);
  });

  it.each([
    ['before there was an address', {}],
    ['when another address was set', { webhookUrl: `${URL_SET}/elsewhere` }],
  ])('because it was ordered %s is polled', async (_, at) => {
    await evidence();
    const now = bench.clock.now();
    await bench.jobStore.add(
      sampleJob({ state: 'processing', remoteId: 'dt_1', createdAt: now, updatedAt: now, ...at }),
    );
    const polled = bench.jobs.check('job_1');
    await bench.clock.advance(5_000);
    await polled;
    expect(readTimes()).toEqual([0, 1_500, 3_750]);
  });
});

describe('the address', () => {
  const sentTo = (): unknown[] => bench.provider.submitted.map(({ key, webhookUrl }) => [key, webhookUrl]);

  it('goes with every order', async () => {
    start({ plan: 'pro' });
    await bench.order(REQUEST);
    await bench.order({ ...REQUEST, prompt: 'a hare' });
    await bench.clock.advance(5_000);
    expect(sentTo()).toEqual([
      ['key-1', URL_SET],
      ['key-2', URL_SET],
    ]);
  });

  it('is on record before the order leaves, and the same when it is sent again under other settings', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' })];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect(bench.jobStore.history[0]).toMatchObject({ state: 'queued', webhookUrl: URL_SET });
    bench.living.delete(1);
    await bench.jobs.close();

    const next = startProcess(2, bench, { webhookUrl: 'https://elsewhere.example/hook' });
    closing.push(next);
    next.jobs.watch();
    await bench.clock.advance(5_000);
    expect(next.provider.submitted).toMatchObject([{ key: 'key-1', webhookUrl: URL_SET }]);
  });
});

describe('what listens for events', () => {
  it('is there before each order leaves, and only then', async () => {
    const calls: number[] = [];
    const onSubmission = async (): Promise<void> => void calls.push(bench.provider.submitted.length);
    start({ plan: 'pro', onSubmission });
    await bench.jobs.check('job_9');
    expect(calls).toEqual([]);
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    await bench.order({ ...REQUEST, prompt: 'a hare' });
    await bench.clock.advance(0);
    expect(calls).toEqual([0, 1]);
  });

  it('keeps no order from being taken back', async () => {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    start({ onSubmission: () => opened });
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    bench.jobs.cancelUnsent('job_1');
    open();
    await bench.clock.advance(0);
    expect(await bench.recorded()).toMatchObject({ state: 'failed', failure: { creditsSpent: 'no' } });
    expect(bench.provider.submitted).toEqual([]);
  });
});
