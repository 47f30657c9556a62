/** Proves how a result is put together: the parts that were chosen, within the size that fits, always with the words. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATES, type Job } from '../../../src/core/job.ts';
import { RESULT_PARTS, type ResultPart } from '../../../src/core/result-part.ts';
import { jobView } from '../../../src/mcp/job-view.ts';
import { jobResult, refusal, valueResult } from '../../../src/mcp/result.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const saved = sampleJob({ state: 'saved', remoteId: 'dt_1', file: '/pictures/fox.png', mediaType: 'image/png' });
const TIMES = { now: CREATED_AT, stalledAfterMs: 15 * 60_000 };
const picture = new Uint8Array([1, 2, 3, 4]);
const resultOf = (parts: readonly ResultPart[], options: { job?: Job; bytes?: Uint8Array; max?: number } = {}) =>
  jobResult(options.job ?? saved, options.bytes ?? picture, { parts, maxCharacters: options.max ?? 900_000 }, TIMES);
const typesOf = (result: ReturnType<typeof jobResult>): string[] => result.content.map((part) => part.type);
const wordsOf = (result: ReturnType<typeof jobResult>): string =>
  result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');

describe('the parts of a result', () => {
  it.each([
    [['text'], ['text'], false],
    [['text', 'image'], ['text', 'image'], false],
    [['image', 'text'], ['text', 'image'], false],
    [['text', 'link'], ['text', 'resource_link'], false],
    [['text', 'image', 'link', 'structured'], ['text', 'image', 'resource_link'], true],
    [['image'], ['image'], false],
    [['structured'], ['text'], true],
  ] as const)('%j become %j, with data: %s', (parts, types, structured) => {
    const result = resultOf(parts);
    expect(typesOf(result)).toEqual(types);
    expect(result.structuredContent !== undefined).toBe(structured);
  });

  it('are the picture as it is, a link that can be read, and the very job object', () => {
    const result = resultOf(RESULT_PARTS);
    expect(result.content[1]).toEqual({ type: 'image', data: 'AQIDBA==', mimeType: 'image/png' });
    expect(result.content[2]).toMatchObject({ uri: 'flux://images/job_1', mimeType: 'image/png' });
    expect(result.structuredContent).toEqual(jobView(saved, TIMES));
  });

  it('link to nothing before the picture is saved', () => {
    for (const state of JOB_STATES.filter((known) => known !== 'saved')) {
      expect(typesOf(resultOf(['text', 'link'], { job: sampleJob({ state }) }))).toEqual(['text']);
    }
  });

  it('are never all absent: there are always words or a picture', () => {
    const subsets = fc.subarray([...RESULT_PARTS]);
    fc.assert(
      fc.property(subsets, fc.constantFrom(...JOB_STATES), fc.boolean(), (parts, state, tiny) => {
        const result = resultOf(parts, { job: { ...saved, state }, max: tiny ? 10 : 900_000 });
        expect(result.content.length).toBeGreaterThan(0);
        if (!typesOf(result).some((type) => type !== 'text')) expect(wordsOf(result)).toContain('Job: job_1');
      }),
    );
  });
});

describe('a picture that is too large for the host', () => {
  it.each([[['text', 'image']], [['image']], [['image', 'structured']]] as const)(
    'is left out of %j, and the text says so and where the file is',
    (parts) => {
      const result = resultOf(parts, { bytes: new Uint8Array(100_000), max: 48_000 });
      expect(typesOf(result)).not.toContain('image');
      expect(wordsOf(result)).toContain('The picture (98 KB) is larger than what this host takes inside an answer');
      expect(wordsOf(result)).toContain('File: /pictures/fox.png');
    },
  );

  it('is never sent: a result with a picture fits, whatever the sizes', () => {
    const prompts = fc.string({ unit: 'binary', minLength: 1, maxLength: 4_000 });
    fc.assert(
      // Around the bound, where the picture alone fits and the words beside it decide.
      fc.property(fc.nat(60_000), fc.integer({ min: -100, max: 20_000 }), prompts, (size, room, prompt) => {
        const max = Math.ceil(size / 3) * 4 + room;
        const job: Job = { ...saved, request: { prompt, width: 1024, height: 1024 } };
        const result = resultOf(RESULT_PARTS, { job, bytes: new Uint8Array(size), max });
        if (typesOf(result).includes('image')) expect(JSON.stringify(result).length).toBeLessThanOrEqual(max);
      }),
    );
  });
});

describe('an error', () => {
  it('is what ended without a picture, or left it unknown whether there will be one', () => {
    const failure = sampleFailure();
    const isError = (job: Partial<Job>): boolean => resultOf(['text'], { job: sampleJob(job) }).isError === true;
    expect(isError({ state: 'failed', failure })).toBe(true);
    expect(isError({ state: 'submitting', failure })).toBe(true);
    expect(isError({ state: 'unknown', failure })).toBe(true);
    for (const state of ['queued', 'submitting', 'processing', 'completed', 'saved'] as const) {
      expect(isError({ state })).toBe(false);
    }
    expect(isError({ state: 'processing', failure })).toBe(false);
    expect(isError({ state: 'completed', failure })).toBe(false);
  });
});

describe('a refusal', () => {
  const failure = sampleFailure({ kind: 'bad_key', creditsSpent: 'no', retry: 'no', remedy: 'Set the key.' });
  const shape = { parts: RESULT_PARTS, maxCharacters: 900_000 };
  const text =
    'The service failed. No credits were spent. Trying again as it stands does not help.\nNext: Set the key.';

  it('is an error with complete words, and with data where the host takes it', () => {
    expect(refusal(failure, shape, { mayCarryData: true })).toEqual({
      content: [{ type: 'text', text }],
      structuredContent: {
        error: { kind: 'bad_key', message: 'The service failed.', credits_spent: 'no' },
        next: 'Set the key.',
      },
      isError: true,
    });
  });

  it('carries no data that would break a declared output schema, and none to hosts that drop the words for it', () => {
    expect(refusal(failure, shape, { mayCarryData: false })).toEqual({
      content: [{ type: 'text', text }],
      isError: true,
    });
    expect(refusal(failure, { ...shape, parts: ['image'] }, { mayCarryData: true })).not.toHaveProperty(
      'structuredContent',
    );
  });
});

describe('a value', () => {
  it('is sent as words and as data', () => {
    expect(valueResult({ a: 1 }, 'a is 1')).toEqual({
      content: [{ type: 'text', text: 'a is 1' }],
      structuredContent: { a: 1 },
    });
  });
});
