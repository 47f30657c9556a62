/** Proves which job an equal order finds: one whose picture was saved within the hours, one that was moderated, one that is open. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATES, type Job } from '../../../src/core/job.ts';
import { FAILURE_KINDS, type FailureKind } from '../../../src/core/failure.ts';
import { foundSince, isDuplicate, openFoundMs } from '../../../src/limits/budget.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const HOUR = 3_600_000;
const OPEN = ['queued', 'submitting', 'processing', 'completed', 'unknown'] as const;

/** How long after the moment an equal order ceases to find the job, in hours. */
function foundFor(job: Job, hours: number, from = CREATED_AT): number {
  const isFound = (after: number): boolean => isDuplicate(job, hours, { here: from + after });
  for (let after = 0; after <= 14 * 24; after += 1) {
    if (isFound(after * HOUR)) continue;
    if (after > 0) expect(isFound(after * HOUR - 1)).toBe(true);
    return after;
  }
  return Number.POSITIVE_INFINITY;
}

describe('a job whose picture is saved', () => {
  it.each([0, 1, 23, 24, 168])('is found for %i hours after it was saved, however old the order is', (hours) => {
    const savedAt = CREATED_AT + 30 * HOUR;
    const job = sampleJob({ state: 'saved', savedAt, completedAt: CREATED_AT + HOUR, updatedAt: savedAt + 9 * HOUR });
    expect(foundFor(job, hours, savedAt)).toBe(hours);
  });

  it('is found from its last change on where its record does not say when it was saved', () => {
    expect(foundFor(sampleJob({ state: 'saved', updatedAt: CREATED_AT + HOUR }), 24)).toBe(25);
  });
});

describe('a job that has failed', () => {
  const failed = (kind: FailureKind): Job =>
    sampleJob({
      state: 'failed',
      completedAt: CREATED_AT + HOUR,
      failure: sampleFailure({ kind, creditsSpent: 'yes' }),
    });

  it.each([0, 1, 24, 168])('is found for %i hours after its order if it was moderated', (hours) => {
    expect(foundFor(failed('moderated'), hours)).toBe(hours);
  });

  it.each(FAILURE_KINDS.filter((kind) => kind !== 'moderated'))('is never found for another reason: %s', (kind) => {
    for (const hours of [0, 24, 168]) expect(foundFor(failed(kind), hours)).toBe(0);
  });

  it('is never found where its record does not say why', () => {
    expect(foundFor(sampleJob({ state: 'failed' }), 168)).toBe(0);
  });
});

describe.each(OPEN)('a job that is %s', (state) => {
  const job = sampleJob({ state, updatedAt: CREATED_AT + 20 * HOUR });

  it.each([
    [0, 24],
    [1, 24],
    [24, 24],
    [25, 25],
    [168, 168],
  ])('is found with %i hours for %i after its order: at least a day', (hours, found) => {
    expect(foundFor(job, hours)).toBe(found);
    expect(openFoundMs(hours)).toBe(found * HOUR);
  });
});

describe('a clock that was set back', () => {
  it('hides no job that was ordered within the hours, and keeps none for as long as it was set back', () => {
    for (const job of [sampleJob({ state: 'saved', savedAt: CREATED_AT }), sampleJob({ state: 'processing' })]) {
      expect(isDuplicate(job, 24, { here: CREATED_AT - 24 * HOUR + 1 })).toBe(true);
      expect(isDuplicate(job, 24, { here: CREATED_AT - 24 * HOUR })).toBe(false);
    }
  });
});

describe('a clock that was set forward', () => {
  it('hides no job that the service says was saved within the hours', () => {
    const job = sampleJob({ state: 'saved', savedAt: CREATED_AT });
    const there = CREATED_AT + HOUR;
    expect(isDuplicate(job, 24, { here: CREATED_AT + 400 * HOUR })).toBe(false);
    expect(isDuplicate(job, 24, { here: CREATED_AT + 400 * HOUR, there })).toBe(true);
    expect(foundSince(24, { here: CREATED_AT + 400 * HOUR, there })).toBeLessThan(CREATED_AT);
  });
});

describe('the search among the records', () => {
  it('goes back far enough for every job that is found, if its picture was saved within a day of its order', () => {
    const ms = fc.integer({ min: 0, max: 24 * HOUR });
    fc.assert(
      fc.property(
        fc.constantFrom(...JOB_STATES),
        ms,
        fc.nat(168),
        fc.nat(15 * 24 * HOUR),
        (state, took, hours, age) => {
          const failure = sampleFailure({ kind: 'moderated' });
          const job = sampleJob({ state, failure, savedAt: CREATED_AT + took });
          const now = { here: CREATED_AT + age };
          if (isDuplicate(job, hours, now)) expect(job.createdAt).toBeGreaterThanOrEqual(foundSince(hours, now));
        },
      ),
    );
  });
});
