/** Proves that every failure has words: what happened, what it cost, whether trying again helps, what to do next. */
import { describe, expect, it } from 'vitest';
import { FAILURE_KINDS, type Failure } from '../../../src/core/failure.ts';
import { JOB_STATES } from '../../../src/core/job.ts';
import { failureSentences, nextStep, nextStepForJob } from '../../../src/mcp/failure-text.ts';
import { CREATED_AT, sampleFailure } from '../core/sample-jobs.ts';

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
        expect(next).toMatch(/[Dd]o not call generate_image again for this picture/u);
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
    const open = failureSentences(sampleFailure({ creditsSpent: 'maybe', retry: 'same_job' }), job);
    expect(open).toContain('This same order is sent again by itself, and cannot be charged twice.');
    const taken = failureSentences(sampleFailure({ creditsSpent: 'yes', retry: 'same_job' }), job);
    expect(taken).toContain('Its answer is recorded as soon as that is possible.');
    expect(taken).not.toContain('sent again');
  });
});

describe('an order of unknown outcome', () => {
  it.each([
    [
      'no_answer',
      'same_job',
      /^Ask the user whether to send it again\. If so, within those 23 hours, repeat the same call/u,
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
    expect(failureSentences(failure, { state: 'submitting' })).toContain(
      'sent again by itself, and cannot be charged twice',
    );
    expect(next).not.toContain('resumes');
  });
});

describe('the sentences', () => {
  it.each([
    ['no', 'No credits were spent. Trying again may help.'],
    ['maybe', 'Credits may have been spent. A new order may succeed; it is paid for again.'],
    ['yes', 'The credits for this picture were spent. A new order may succeed; it is paid for again.'],
  ] as const)('about credits, spent: %s', (creditsSpent, sentences) => {
    expect(failureSentences(sampleFailure({ creditsSpent }))).toBe(`The service failed. ${sentences}`);
  });

  it.each([
    ['no', undefined, 'Trying again will not help until something is changed.'],
    ['no', 30, 'Trying again will not help until something is changed.'],
    ['later', undefined, 'Trying again may help.'],
    ['later', 30, 'Trying again helps in 30 s.'],
    ['later', 1_740, 'Trying again helps in about 29 minutes.'],
    ['later', 32_017, 'Trying again helps in about 9 hours, at 08:53 UTC.'],
    ['same_job', undefined, 'Trying again costs no credits.'],
  ] as const)('about trying again a call that was refused: %s, %s s', (retry, seconds, sentence) => {
    const wait = seconds === undefined ? {} : { retryAfterSeconds: seconds };
    const failure: Failure = sampleFailure({ retry, creditsSpent: 'no', ...wait });
    expect(failureSentences(failure, {}, CREATED_AT)).toBe(`The service failed. No credits were spent. ${sentence}`);
  });

  it.each([
    ['submitting', 'later', 'This same order is sent again by itself, and cannot be charged twice.'],
    ['processing', 'later', 'Its status can be read again free of charge.'],
    ['completed', 'same_job', 'The picture can be fetched again without a new charge.'],
    [
      'unknown',
      'same_job',
      'Within 23 hours of its first try, this same order can be sent again without a second charge.',
    ],
    ['unknown', 'no', 'A new order is paid for in any case.'],
    ['processing', 'no', 'Trying again will not help until something is changed.'],
    ['failed', 'no', 'Trying again will not help until something is changed.'],
  ] as const)('about trying again what became a job: %s, %s', (state, retry, sentence) => {
    expect(failureSentences(sampleFailure({ retry }), { state })).toBe(
      `The service failed. Credits may have been spent. ${sentence}`,
    );
  });

  it.each(['bad_input', 'moderated'] as const)('say that a call itself has to change: %s', (kind) => {
    const failure = sampleFailure({ kind, retry: 'no', creditsSpent: 'no' });
    expect(failureSentences(failure, { state: 'failed' })).toMatch(/ Repeating it unchanged will not help\.$/u);
  });

  it('say of an order that the user took back that the user can ask for it again', () => {
    const failure = sampleFailure({ kind: 'interrupted', creditsSpent: 'no', reason: { code: 'user_cancelled' } });
    expect(failureSentences({ ...failure, retry: 'no' }, { state: 'failed' })).toMatch(/if the user asks for it\.$/u);
  });

  it('count the wait from when it was recorded, and say nothing of one that is over', () => {
    const failure = sampleFailure({ creditsSpent: 'no', retryAfterSeconds: 600 });
    const job = { state: 'failed', updatedAt: CREATED_AT } as const;
    expect(failureSentences(failure, job, CREATED_AT + 300_000)).toContain('helps in about 5 minutes.');
    expect(failureSentences(failure, job, CREATED_AT + 600_000)).toContain('Trying again may help.');
    expect(failureSentences(failure, { ...job, state: 'processing' }, CREATED_AT)).toContain(
      'The next try is in about 10 minutes.',
    );
  });

  it('say of an order that was never sent that it can be ordered', () => {
    const failure = sampleFailure({ kind: 'interrupted', creditsSpent: 'no', reason: { code: 'owner_ended' } });
    expect(failureSentences(failure, { state: 'failed' })).toBe(
      'This order was never sent, because its server stopped first. No credits were spent. It can be ordered again at any time.',
    );
    expect(nextStepForJob(failure, { id: 'job_1', state: 'failed' })).toBe(
      'If the picture is still wanted, call generate_image again: only that order is paid for.',
    );
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
      'The service failed. Credits may have been spent. A new order may succeed; it is paid for again.',
    );
    expect(failureSentences(sampleFailure({ reason: { code: 'worded', what: '- a list\n' } }))).toBe(
      '- a list\nCredits may have been spent. A new order may succeed; it is paid for again.',
    );
  });

  it('name the seconds to wait where they are known', () => {
    const failure = sampleFailure({ kind: 'rate_limited', retryAfterSeconds: 17 });
    expect(nextStep(failure)).toBe('Wait 17 s, then call again.');
  });
});
