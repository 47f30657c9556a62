/** Proves how a result is put together: the parts that were chosen, within the size that fits, always with the words. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATES, type Job } from '../../../src/core/job.ts';
import type { PreviewBounds, ShownPicture } from '../../../src/core/image-store.ts';
import { RESULT_CONTENT, type ResultPart } from '../../../src/core/ports.ts';
import { jobView } from '../../../src/mcp/job-view.ts';
import { jobsResult, refusal, valueResult } from '../../../src/mcp/result.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const saved = sampleJob({ state: 'saved', remoteId: 'dt_1', file: '/pictures/fox.png', mediaType: 'image/png' });
const TIMES = { now: CREATED_AT };
const shownOf = (bytes: Uint8Array): ShownPicture => ({ bytes, mediaType: 'image/png', isPreview: false });
type Options = {
  job?: Job;
  /** `null`: none fits. */
  picture?: ShownPicture | null;
  max?: number;
  onBounds?: (bounds: PreviewBounds) => void;
};
const resultOf = (content: readonly ResultPart[], options: Options = {}): Promise<CallToolResult> => {
  const { job = saved, picture = shownOf(new Uint8Array([1, 2, 3, 4])), max = 900_000 } = options;
  const pictureOf = async (_: Job, bounds: PreviewBounds) => {
    options.onBounds?.(bounds);
    return picture ?? undefined;
  };
  const form = { content, maxCharacters: max, maxBatchCharacters: max, maxSidePx: 2_000, hasViewer: false };
  return jobsResult({ type: 'job', job }, form, {
    view: TIMES,
    pictureOf,
    sheetOf: async () => undefined,
    redact: (text) => text,
    clock: { ...systemClock, monotonic: () => 0 },
  });
};
const typesOf = (result: CallToolResult): string[] => result.content.map((part) => part.type);
const wordsOf = (result: CallToolResult): string =>
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
  ] as const)('%j become %j, with data: %s', async (content, types, structured) => {
    const result = await resultOf(content);
    expect(typesOf(result)).toEqual(types);
    expect(result.structuredContent !== undefined).toBe(structured);
  });

  it('are the picture as it is, a link that can be read, and the very job object', async () => {
    const result = await resultOf(RESULT_CONTENT);
    expect(result.content[1]).toEqual({ type: 'image', data: 'AQIDBA==', mimeType: 'image/png' });
    expect(result.content[2]).toMatchObject({ uri: 'flux://images/job_1', mimeType: 'image/png' });
    expect(result.structuredContent).toEqual(jobView(saved, TIMES));
  });

  it('link to nothing before the picture is saved', async () => {
    for (const state of JOB_STATES.filter((known) => known !== 'saved')) {
      expect(typesOf(await resultOf(['text', 'link'], { job: sampleJob({ state }) }))).toEqual(['text']);
    }
  });

  it('are never all absent: there are always words or a picture', async () => {
    const subsets = fc.subarray([...RESULT_CONTENT]);
    const pictures = fc.constantFrom<ShownPicture | null>(null, shownOf(new Uint8Array(9)));
    await fc.assert(
      fc.asyncProperty(subsets, fc.constantFrom(...JOB_STATES), pictures, async (content, state, picture) => {
        const result = await resultOf(content, { job: { ...saved, state }, picture });
        expect(result.content.length).toBeGreaterThan(0);
        if (!typesOf(result).some((type) => type !== 'text')) expect(wordsOf(result)).toContain('Job: job_1');
      }),
    );
  });
});

describe('a picture that does not fit into the answer', () => {
  it.each([[['text', 'image']], [['image']], [['image', 'structured']]] as const)(
    'is left out of %j, and the text says so and where the file is',
    async (content) => {
      const result = await resultOf(content, { picture: null });
      expect(typesOf(result)).toEqual(['text']);
      expect(wordsOf(result)).toContain('The picture is not shown in this answer');
      expect(wordsOf(result)).toContain('File: /pictures/fox.png');
    },
  );
});

describe('a picture that was made smaller', () => {
  const preview: ShownPicture = {
    bytes: new Uint8Array(30),
    mediaType: 'image/jpeg',
    size: { width: 640, height: 480 },
    isPreview: true,
  };

  it('is sent as what it is, and the text says so', async () => {
    const result = await resultOf(['text', 'image'], { picture: preview });
    expect(result.content[1]).toMatchObject({ type: 'image', mimeType: 'image/jpeg' });
    expect(wordsOf(result)).toContain('a preview of 640 × 480 pixels; the file has the full size.');
  });

  it('has the room that words and data leave: the result fits, whatever the sizes', async () => {
    const prompts = fc.string({ unit: 'binary', minLength: 1, maxLength: 4_000 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 30_000, max: 900_000 }), prompts, async (max, prompt) => {
        const job: Job = { ...saved, request: { prompt, width: 1024, height: 1024 } };
        let bounds: PreviewBounds = { maxBytes: 0, maxSidePx: 0 };
        await resultOf(RESULT_CONTENT, { job, max, onBounds: (asked) => (bounds = asked) });
        expect(bounds.maxSidePx).toBe(2_000);
        const picture = { ...preview, bytes: new Uint8Array(bounds.maxBytes) };
        const result = await resultOf(RESULT_CONTENT, { job, max, picture });
        expect(JSON.stringify(result).length).toBeLessThanOrEqual(max);
      }),
    );
  });

  it('is not asked for where the answer has no picture', async () => {
    let asked = 0;
    await resultOf(['text', 'structured'], { onBounds: () => (asked += 1) });
    expect(asked).toBe(0);
  });
});

describe('an error', () => {
  it('is what ended without a picture, or left it unknown whether there will be one', async () => {
    const failure = sampleFailure();
    const isError = async (job: Partial<Job>): Promise<boolean> =>
      (await resultOf(['text'], { job: sampleJob(job) })).isError === true;
    expect(await isError({ state: 'failed', failure })).toBe(true);
    expect(await isError({ state: 'submitting', failure })).toBe(true);
    expect(await isError({ state: 'unknown', failure })).toBe(true);
    for (const state of ['queued', 'submitting', 'processing', 'completed', 'saved'] as const) {
      expect(await isError({ state })).toBe(false);
    }
    expect(await isError({ state: 'processing', failure })).toBe(false);
    expect(await isError({ state: 'completed', failure })).toBe(false);
  });
});

describe('a refusal', () => {
  const reason = { code: 'worded', what: 'The service failed.', next: 'Set the key.' } as const;
  const failure = sampleFailure({ kind: 'bad_key', creditsSpent: 'no', retry: 'no', reason });
  const text =
    'The service failed. No credits were spent. Trying again will not help until something is changed.\nNext: Set the key.';

  it('is an error with complete words, and with data where the host takes it', () => {
    expect(refusal(failure, true)).toEqual({
      content: [{ type: 'text', text }],
      structuredContent: {
        error: { kind: 'bad_key', message: 'The service failed.', credits_spent: 'no' },
        next: 'Set the key.',
      },
      isError: true,
    });
  });

  it('has no data where they would break a declared output schema, or have the host drop the text', () => {
    expect(refusal(failure, false)).toEqual({ content: [{ type: 'text', text }], isError: true });
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
