/** Every failure that there is, at the place where it occurs: nothing in its answer contradicts anything else in it. */
import { describe, expect, it } from 'vitest';
import { SAMPLE_FAILURES, type SampleFailure } from '../../../scripts/text-samples/failures.ts';
import { jobIn, NOW } from '../../../scripts/text-samples/jobs.ts';
import type { Failure } from '../../../src/core/failure.ts';
import type { Job } from '../../../src/core/job.ts';
import { batchView, jobText, jobView } from '../../../src/mcp/job-view.ts';
import { refusal } from '../../../src/mcp/result.ts';
import { brokenLines } from '../../support/whole-sentences.ts';

const TIMES = { now: NOW };

function answerTo({ at, failure }: SampleFailure, more: { duplicate?: boolean; createdAt?: number } = {}): string {
  if (at === 'call') {
    const [part] = refusal(failure, false, NOW).content;
    return part?.type === 'text' ? part.text : '';
  }
  const job = jobIn(at, { failure, createdAt: more.createdAt ?? NOW - 20_000 });
  return jobText(jobView(job, { ...TIMES, duplicate: more.duplicate }), job, { now: NOW });
}

const SAMPLES = SAMPLE_FAILURES.map((sample) => ({ ...sample, code: sample.failure.reason.code }));
/** Facts in the form of a label and a value need no full stop. */
const FACTS = /^(?:File|URL|Picture|Prompt|Job): .*$/gmu;
const ORDERS = /(?<!do not )call generate_images? again|allow_duplicate true|repeat the call with max_credits/iu;
const SAYS_THAT_IT_IS_PAID =
  /that is a new, paid order|only that order is paid for|Tell the user the price|accept that price|agree to that price/u;

describe.each(SAMPLES)('the answer to $code ($at, $failure.kind)', (sample) => {
  const { at } = sample;
  const text = answerTo(sample);
  const [, next = ''] = text.split('\nNext: ');

  it('is whole sentences without holes', () => {
    expect(brokenLines(text.replaceAll(FACTS, ''))).toEqual([]);
    expect(text).not.toMatch(/undefined|null|NaN|\[object/u);
  });

  it('gives one advice about ordering again', () => {
    const forbids = /do not (?:call generate_image|order)/iu.test(
      next.replace(/do not order [^.]* unless the user/iu, ''),
    );
    const recommends = /(?<!do not )(?:call generate_image again|order the picture again)(?! for this)/iu.test(next);
    expect(forbids && recommends, next).toBe(false);
    // What goes on or is paid for is not ordered again; what has ended, or never began, is not waited for.
    if (at === 'completed' || at === 'processing' || at === 'submitting') expect(forbids, next).toBe(true);
    else expect(next).not.toMatch(/Do not call generate_image/u);
  });

  it('says of every order that it suggests that it is paid for', () => {
    if (ORDERS.test(next)) expect(next).toMatch(SAYS_THAT_IT_IS_PAID);
  });

  it('says what it cost once', () => {
    const sentences = /No credits were spent|Credits may have been spent|The credits for this picture were spent/gu;
    expect(text.match(sentences)).toHaveLength(1);
    expect(text).not.toMatch(/Nothing was (?:sent|executed|spent)/u);
  });

  it('names times as people say them', () => {
    expect(text).not.toMatch(/\b\d{3,} s\b(?!\))/u);
  });

  it('offers no other order while this one may still come', () => {
    if (at !== 'call') expect(answerTo(sample, { duplicate: true })).not.toMatch(/For another picture/u);
  });
});

describe('a stalled job', () => {
  const stalled = { at: 'processing', failure: undefined } as unknown as SampleFailure;

  it('says since when, that it may be charged, what support needs, and nothing about ordering', () => {
    const text = answerTo(stalled, { createdAt: NOW - 3 * 3_600_000, duplicate: true });
    expect(text).toContain('the service still says "IN_PROGRESS", and may charge for it.');
    expect(text).toContain('unfinished for 3 hours and may be charged');
    expect(text).toContain("Doitong's support can look into it by job dt_8f3k2, ordered at 2026-11-28 11:05 UTC.");
    expect(text).not.toMatch(/generate_image|allow_duplicate/u);
  });

  it('that cannot be read either says what the user can do about that, too', () => {
    const failure: Failure = SAMPLE_FAILURES.find((one) => one.at === 'processing' && one.failure.kind === 'bad_key')
      ?.failure as Failure;
    const text = answerTo({ at: 'processing', failure }, { createdAt: NOW - 3 * 3_600_000 });
    expect(text).toMatch(/Next: Ask the user to set DOITONG_API_KEY.*unfinished for 3 hours/u);
  });
});

describe('advice about a price', () => {
  const priceOf = (images: number, max: number, allowed: number): string =>
    answerTo({
      at: 'call',
      failure: {
        kind: 'over_budget',
        reason: { code: 'call_too_expensive', images, max, allowed },
        creditsSpent: 'no',
        retry: 'no',
      },
    });

  it.each([
    [
      'nothing costs less',
      1,
      20,
      15,
      /Next: Ask the user to raise FLUX_MAX_CREDITS_PER_CALL to 20 or more and restart the server\. Then call again\.$/u,
    ],
    ['one large picture', 1, 50, 30, /Next: Order a picture of at most 1 megapixel \(up to 20 credits\), or ask/u],
    ['many small ones', 12, 240, 100, /Next: Order at most 5 pictures, or ask/u],
    [
      'many large ones',
      12,
      600,
      500,
      /fewer or smaller pictures \(12 of at most 1 megapixel cost up to 240 credits\)/u,
    ],
    ['far too many large ones', 50, 2_500, 500, /Order at most 25 pictures of at most 1 megapixel, or ask/u],
  ] as const)('fits the numbers: %s', (_, images, max, allowed, advice) => {
    const text = priceOf(images, max, allowed);
    expect(text).toMatch(advice);
    expect(text).not.toMatch(/may help/u);
    if (max === 20 * images) expect(text).not.toMatch(/smaller|megapixel/u);
  });
});

describe('the advice about a batch', () => {
  const nextOf = (jobs: readonly Job[]): string => batchView({ type: 'jobs', jobs, duplicates: [] }, TIMES).next;
  const WAIT =
    /^Call get_job_status with the job_ids of the pictures that are unfinished or being saved and wait_seconds 45; do not order them/u;
  const failureAt = (state: string): Failure => SAMPLE_FAILURES.find(({ at }) => at === state)?.failure as Failure;
  const failed = jobIn('failed', { failure: failureAt('failed') });

  it('is to wait with a tool that never orders, and never to repeat the call', () => {
    for (const next of [nextOf([jobIn('saved'), jobIn('processing')]), nextOf([failed, jobIn('processing')])]) {
      expect(next).toMatch(WAIT);
      expect(next).not.toContain('Call generate_images again');
    }
  });

  it('says of an order of what has failed that it is paid for', () => {
    expect(nextOf([failed])).toMatch(/only if it is still wanted: that is a new, paid order\.$/u);
  });

  it('is to wait for what goes on by itself, and for nothing else', () => {
    expect(nextOf([jobIn('completed')])).toMatch(WAIT);
    const stalledOne = jobIn('processing', { createdAt: NOW - 3 * 3_600_000 });
    const unsaved = jobIn('completed', { failure: failureAt('completed') });
    for (const job of [jobIn('unknown'), stalledOne, unsaved, jobIn('saved')])
      expect(nextOf([job])).not.toMatch(/generate_images again|Call get_job_status with the job_ids/u);
  });
});
