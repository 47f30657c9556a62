/** Proves that a key which the service may have forgotten is never sent again, however long an order had to wait. */
import { describe, expect, it } from 'vitest';
import { keyIsTooOld } from '../../../src/core/job.ts';
import { remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { createBench, leftBehind, REQUEST, thrown } from './fakes.ts';

const HOUR = 60 * 60_000;

describe('the age of a key', () => {
  it.each([
    [0, false],
    [23 * HOUR, false],
    [23 * HOUR + 1, true],
    [-HOUR, false],
    [-HOUR - 1, true],
  ])('of %s ms is too much: %s', (age, tooOld) => {
    expect(keyIsTooOld(1_000 * HOUR, 1_000 * HOUR + age, 23 * HOUR)).toBe(tooOld);
  });
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
  const bench = createBench({ resendWindowMs: 20_000 });
  const { failure } = thrown({ kind: 'service_error', retry: 'same_job' });
  bench.provider.submissions = [{ again: 'generate', failure }];
  // The second try waits for its permit for longer than the service is taken to know the key.
  bench.provider.onSending = () => void bench.limits.learn({ pausedUntil: bench.clock.now() + 50_000 });
  await bench.order(REQUEST);
  await bench.clock.advance(60_000);
  expect(bench.provider.submitted).toHaveLength(1);
  expect(await bench.recorded()).toMatchObject({ state: 'unknown', failure: { creditsSpent: 'maybe' } });
  await bench.jobs.close();
});
