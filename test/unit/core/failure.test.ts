/** Proves that a failure survives being thrown, and that what nobody foresaw is told as just that. */
import { describe, expect, it } from 'vitest';
import { FluxError, failureOf } from '../../../src/core/failure.ts';
import { jobSchema } from '../../../src/core/job.ts';
import { sampleFailure, sampleJob } from './sample-jobs.ts';

const UNFORESEEN = { creditsSpent: 'maybe', retry: 'same_job' } as const;

describe('failureOf', () => {
  it('is the failure that was thrown', () => {
    const failure = sampleFailure({ kind: 'no_credits' });
    const error = new FluxError(failure);
    expect(failureOf(error, 'order', UNFORESEEN)).toBe(failure);
    expect(error.message).toBe(failure.reason.code);
  });

  it('never shows the words of a foreign error', () => {
    const failures = [new TypeError('x is not a function'), 'text', undefined, null].map((thrown) =>
      failureOf(thrown, 'order', UNFORESEEN),
    );
    const expected = ['TypeError', 'string', 'undefined', 'object'].map((error) => {
      return { kind: 'service_error', reason: { code: 'unforeseen', during: 'order', error }, ...UNFORESEEN };
    });
    expect(failures).toEqual(expected);
  });
});

it('a record of an earlier version says in words why its job failed, and keeps saying it', () => {
  const { reason: _, ...failure } = sampleFailure();
  const stored = { ...sampleJob(), failure: { ...failure, message: 'It failed.', remedy: 'Order again.' } };
  const reason = { code: 'worded', what: 'It failed.', next: 'Order again.' };
  expect(jobSchema.parse(stored).failure).toEqual({ ...failure, reason });
});
