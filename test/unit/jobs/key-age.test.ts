/** Proves that a key which the service may have forgotten is never sent again, however long an order had to wait. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyIsTooOld } from '../../../src/core/job.ts';
import { owner, remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, leftBehind, REQUEST, thrown } from './fakes.ts';

const HOUR = 60 * 60_000;

describe('the age of a key', () => {
  it.each([
    [0, false],
    [23 * HOUR, false],
    [23 * HOUR + 1, true],
    [-HOUR + 1, false],
    [-HOUR, true],
  ])('of %s ms is too much: %s', (age, tooOld) => {
    const here = 1_000 * HOUR + age;
    expect(keyIsTooOld({ createdAt: 1_000 * HOUR }, { here })).toBe(tooOld);
  });

  const hours = fc.integer({ min: -100, max: 100 }).map((count) => count * HOUR);
  const real = fc.integer({ min: 0, max: 60 * HOUR });

  it('is what the service says, wherever this clock was set before and after', () => {
    fc.assert(
      fc.property(real, hours, hours, hours, (age, wrongThen, wrongNow, serviceAhead) => {
        const sentAt = 1_000 * HOUR + serviceAhead;
        const order = { createdAt: 1_000 * HOUR + wrongThen, sentAt };
        const times = { here: 1_000 * HOUR + age + wrongNow, there: sentAt + age };
        expect(keyIsTooOld(order, times)).toBe(age > 23 * HOUR);
      }),
    );
  });

  it('is the most that a clock says where the service did not tell when the order left', () => {
    fc.assert(
      fc.property(real, hours, (age, wrongNow) => {
        const order = { createdAt: 1_000 * HOUR };
        const there = order.createdAt + age;
        // It was right when the order left, and was set since.
        const isTooOld = keyIsTooOld(order, { here: there + wrongNow, there });
        if (age > 23 * HOUR) expect(isTooOld).toBe(true);
        else if (wrongNow <= 0) expect(isTooOld).toBe(false);
      }),
    );
  });
});

describe('an order that another process left, by a clock that was set', () => {
  async function left(bench: Bench, { agoMs, sentAt }: { agoMs: number; sentAt?: number }): Promise<void> {
    const createdAt = bench.clock.now() - agoMs;
    const job = sampleJob({ state: 'submitting', createdAt, updatedAt: createdAt, owner: owner(7) });
    await bench.jobStore.add({ ...job, ...(sentAt !== undefined && { sentAt }) });
  }
  const ordered = async (bench: Bench): Promise<unknown> => {
    const order = bench.order(REQUEST);
    await bench.clock.advance(10_000);
    return order;
  };

  it.each([
    ['3 hours back', -3 * HOUR],
    ['22 hours forward', 22 * HOUR],
  ])('%s is sent again by an equal order when the service says that it is seconds old', async (_, agoMs) => {
    const bench = createBench();
    const ahead = -agoMs;
    bench.provider.ahead = { ms: ahead, unasked: true };
    await left(bench, { agoMs, sentAt: bench.clock.now() + ahead - 5_000 });
    await ordered(bench);
    expect(bench.provider.submitted.map(({ key }) => key)).toEqual(['key-1']);
    expect((await bench.recorded()).state).toBe('saved');
    await bench.jobs.close();
  });

  it('3 hours back is sent again by itself once an answer has told the time', async () => {
    const bench = createBench();
    bench.provider.ahead = { ms: 3 * HOUR };
    await left(bench, { agoMs: -3 * HOUR });
    bench.jobs.watch();
    await bench.clock.advance(10_000);
    expect(bench.provider.submitted).toHaveLength(1);
    await bench.jobs.close();
  });

  it('30 hours back is not sent again when the service says that it is older than its key may be', async () => {
    const bench = createBench();
    bench.provider.ahead = { ms: 30 * HOUR, unasked: true };
    await left(bench, { agoMs: 0, sentAt: bench.clock.now() });
    const failure = { reason: { code: 'key_too_old' }, creditsSpent: 'maybe', retry: 'no' };
    expect(await ordered(bench)).toMatchObject({ duplicate: true, job: { state: 'unknown', failure } });
    expect(bench.provider.submitted).toEqual([]);
    await bench.jobs.close();
  });
});

it('the time at which an order left is recorded as the service tells it, at the first try alone', async () => {
  const bench = createBench();
  bench.provider.ahead = { ms: -2 * HOUR };
  const { failure } = thrown({ kind: 'service_error', retry: 'same_job' });
  bench.provider.submissions = [{ again: 'rest', failure }, remoteJob('processing')];
  bench.provider.onSending = () => {
    bench.provider.ahead = { ms: 5 * HOUR };
  };
  const begun = bench.clock.now();
  await bench.order(REQUEST);
  await bench.clock.advance(0);
  expect(await bench.recorded()).toMatchObject({ state: 'processing', sentAt: begun - 2 * HOUR, createdAt: begun });
  await bench.jobs.close();
});

it('is checked again after the wait for a slot', async () => {
  const bench = createBench({ plan: 'free' });
  const now = bench.clock.now();
  bench.living.delete(9);
  const open = sampleJob({
    id: 'job_old',
    idempotencyKey: 'old-key',
    state: 'submitting',
    createdAt: now - 23 * HOUR + 60_000,
    updatedAt: now - 22 * HOUR,
    owner: { pid: 9, host: 'here', session: 'session-9' },
  });
  await leftBehind(bench, open);
  await bench.limits.releaseSlot('job_old');
  // Another order takes the only slot and keeps it for some minutes.
  bench.provider.readings = [remoteJob('processing')];
  await bench.order({ ...REQUEST, prompt: 'another one' });
  await bench.clock.advance(100);
  void bench.jobs.check('job_old');
  await bench.clock.advance(30 * 60_000);
  expect(bench.provider.submitted.filter(({ key }) => key === open.idempotencyKey)).toEqual([]);
  expect(await bench.recorded('job_old')).toMatchObject({ state: 'unknown', failure: { creditsSpent: 'maybe' } });
  await bench.jobs.close();
});

it('is checked again before each try', async () => {
  const bench = createBench();
  bench.provider.ahead = { ms: 0 };
  const { failure } = thrown({ kind: 'service_error', retry: 'same_job' });
  bench.provider.submissions = [{ again: 'generate', failure }];
  // The second try waits for its permit, and the machine sleeps meanwhile, for longer than the service is taken to know the key.
  bench.provider.onSending = () => {
    void bench.limits.learn({ pausedUntil: bench.clock.now() + 50_000 });
    bench.provider.ahead = { ms: 23 * HOUR };
  };
  await bench.order(REQUEST);
  await bench.clock.advance(60_000);
  expect(bench.provider.submitted).toHaveLength(1);
  expect(await bench.recorded()).toMatchObject({ state: 'unknown', failure: { creditsSpent: 'maybe' } });
  await bench.jobs.close();
});

it('begins with the first try, wherever the clock was set while the order waited for it', async () => {
  const bench = createBench();
  const { failure } = thrown({ kind: 'service_error', retry: 'same_job' });
  bench.provider.submissions = [{ again: 'rest', failure }, remoteJob('processing')];
  await bench.limits.learn({ pausedUntil: bench.clock.now() + 30_000 });
  const [begun, { now }] = [bench.clock.now(), { ...bench.clock }];
  await bench.order(REQUEST);
  Object.assign(bench.clock, { now: () => now() + 25 * HOUR });
  await bench.clock.advance(60_000);
  expect(bench.provider.submitted).toHaveLength(2);
  expect(await bench.recorded()).toMatchObject({ state: 'saved', createdAt: begun });
  await bench.jobs.close();
});
