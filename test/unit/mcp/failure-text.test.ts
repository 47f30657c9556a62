/** Proves that every failure has words: what happened, what it cost, whether trying again helps, what to do next. */
import { describe, expect, it } from 'vitest';
import { FAILURE_KINDS, type Failure } from '../../../src/core/failure.ts';
import { JOB_STATES } from '../../../src/core/job.ts';
import { failureSentences, nextStep, nextStepForJob } from '../../../src/mcp/failure-text.ts';
import { sampleFailure } from '../core/sample-jobs.ts';

const WORDED = { code: 'worded', what: 'The service failed.' } as const;
const RETRIES = ['no', 'later', 'same_job'] as const;
const OPEN_STATES = JOB_STATES.filter((state) => state !== 'failed' && state !== 'saved');
const SENTENCES = /^[A-Z].*\.$/u;

describe.each(FAILURE_KINDS)('a failure of kind %s', (kind) => {
  it.each(RETRIES)('with retry %s says what to do next', (retry) => {
    const failure = sampleFailure({ kind, retry });
    expect(nextStep(failure)).toMatch(SENTENCES);
    for (const state of JOB_STATES) expect(nextStepForJob(failure, { id: 'job_1', state })).toMatch(SENTENCES);
  });

  it.each(RETRIES)('with retry %s never sends an open job to be ordered and paid a second time', (retry) => {
    for (const reason of [WORDED, { ...WORDED, next: 'Do this.' }]) {
      const failure = sampleFailure({ kind, retry, reason });
      for (const state of OPEN_STATES) {
        const next = nextStepForJob(failure, { id: 'job_1', state });
        expect(next).toContain('Do not call generate_image again for this picture');
        if (retry === 'no') continue;
        expect(next).toMatch(/[Cc]all get_job_status with job_id "job_1"/u);
        expect(next).not.toMatch(/call again|call generate_image again, /iu);
      }
    }
  });

  it('says the remedy of the failure itself, where it has one', () => {
    const failure = sampleFailure({ kind, reason: { ...WORDED, next: 'Turn it off and on.' }, retry: 'no' });
    expect(nextStep(failure)).toBe('Turn it off and on.');
    expect(nextStepForJob(failure, { id: 'job_1', state: 'failed' })).toBe('Turn it off and on.');
    expect(nextStepForJob(failure, { id: 'job_1', state: 'processing' })).toMatch(/^Turn it off and on\. /u);
  });
});

describe('an order that is being sent', () => {
  it('is sent again by itself, unless the service has it and only the record waits for the disk', () => {
    const job = { id: 'job_1', state: 'submitting' } as const;
    const open = nextStepForJob(sampleFailure({ creditsSpent: 'maybe', retry: 'same_job' }), job);
    expect(open).toContain('this same order is sent again by itself, and cannot be charged twice.');
    const taken = nextStepForJob(sampleFailure({ creditsSpent: 'yes', retry: 'same_job' }), job);
    expect(taken).toContain('the service has the order, and its answer is recorded as soon as that is possible.');
    expect(taken).not.toContain('sent again');
  });
});

describe('an order of unknown outcome', () => {
  it.each([
    [
      'no_answer',
      'same_job',
      /^Ask the user to decide whether this same order is to be sent again, by the same generate call/u,
    ],
    ['keys_ignored', 'no', /only if the picture is not there, run "flux-pro-mcp jobs resume"/u],
    ['key_too_old', 'no', /with allow_duplicate true, only if the user agrees/u],
  ] as const)('is for the user to decide about: %s', (code, retry, words) => {
    const failure = sampleFailure({ kind: 'ambiguous', reason: { code }, retry });
    const next = nextStepForJob(failure, { id: 'job_1', state: 'unknown' });
    expect(next).toMatch(words);
    expect(next).not.toMatch(/Do not call generate_image|resumes/u);
  });
});

describe('an order that is still sent again by itself', () => {
  it('is waited for with get_job_status, which sends nothing', () => {
    const failure = sampleFailure({ kind: 'ambiguous', retry: 'same_job' });
    const next = nextStepForJob(failure, { id: 'job_1', state: 'submitting' });
    expect(next).toContain('get_job_status with job_id "job_1" and wait_seconds 45');
    expect(next).toContain('sent again by itself, and cannot be charged twice');
    expect(next).not.toContain('resumes');
  });
});

describe('the sentences', () => {
  it.each([
    ['no', 'No credits were spent.'],
    ['maybe', 'Credits may have been spent.'],
    ['yes', 'The credits for this picture were spent.'],
  ] as const)('about credits, spent: %s', (creditsSpent, sentence) => {
    expect(failureSentences(sampleFailure({ creditsSpent }))).toBe(
      `The service failed. ${sentence} Trying again later may help.`,
    );
  });

  it.each([
    ['no', undefined, 'Repeating it unchanged will not help.'],
    ['no', 30, 'Repeating it unchanged will not help.'],
    ['later', undefined, 'Trying again later may help.'],
    ['later', 30, 'Trying again helps after 30 s.'],
    ['same_job', undefined, 'Trying again is safe for this same job only.'],
    ['same_job', 30, 'Trying again is safe for this same job only, after 30 s.'],
  ] as const)('about trying again: %s, %s s', (retry, seconds, sentence) => {
    const failure: Failure = sampleFailure({ retry, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) });
    expect(failureSentences(failure)).toBe(`The service failed. Credits may have been spent. ${sentence}`);
  });

  it.each([
    ['no', 'Trying again helps only after the user has said yes.'],
    ['later', 'Trying again helps only after the user has agreed to the price.'],
  ] as const)('about trying again a call that was not confirmed name the user, not time: %s', (retry, sentence) => {
    const failure = sampleFailure({ kind: 'not_confirmed', retry });
    expect(failureSentences(failure)).toBe(`The service failed. Credits may have been spent. ${sentence}`);
  });

  it('stand in the order: what happened, cost, trying again', () => {
    expect(failureSentences(sampleFailure())).toBe(
      'The service failed. Credits may have been spent. Trying again later may help.',
    );
    expect(failureSentences(sampleFailure({ reason: { code: 'worded', what: '- a list\n' } }))).toBe(
      '- a list\nCredits may have been spent. Trying again later may help.',
    );
  });

  it('name the seconds to wait where they are known', () => {
    const failure = sampleFailure({ kind: 'rate_limited', retryAfterSeconds: 17 });
    expect(nextStep(failure)).toBe('Wait 17 s, then call again.');
  });
});
