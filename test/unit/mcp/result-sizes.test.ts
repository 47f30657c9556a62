/** Proves that no result is larger than its host takes, whatever the prompts, and that no fact is lost for it. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import type { PreviewBounds, ShownPicture } from '../../../src/core/image-store.ts';
import { RESULT_CONTENT, type ResultPart } from '../../../src/core/ports.ts';
import { HOST_PROFILES, IMAGE_SIDE_MAX_PX, profileOf } from '../../../src/mcp/hosts.ts';
import { jobsResult, type ResultDeps } from '../../../src/mcp/result.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const TIMES = { now: CREATED_AT };
const FOLDER = '/home/a-user-with-a-long-name/Pictures/flux-pro/2026-11';
/** What grows when it is escaped, what is two code units long, and what is three bytes. */
const HARD = ['"', '\\', '\n', '\t', '\u{1f98a}', '\u6f22', "'", '<', 'a'];

type Repeated = [character: string, count: number];
/** Repeated in the property, so that a counterexample is short. */
const prompts = fc.tuple(fc.constantFrom(...HARD), fc.constantFrom(1, 60, 1_000, 4_000));
const repeated = ([character, count]: Repeated): string => character.repeat(count);

/** Takes all that it may, as a picture of grain does. */
const greedy = async (_: Job, { maxBytes, maxSidePx }: PreviewBounds): Promise<ShownPicture | undefined> => {
  if (maxBytes < 2_000) return undefined;
  const side = Math.min(maxSidePx, Math.floor(Math.sqrt(maxBytes)) + 100);
  const bytes = new Uint8Array(Math.min(maxBytes, side * side));
  return { bytes, mediaType: 'image/jpeg', size: { width: side, height: side }, isPreview: true };
};

function savedJob(at: number, prompt: string, url = `https://cdn.doitong.com/outputs/${at}.jpg`): Job {
  const id = `job_${at.toString(16).padStart(20, '0')}`;
  const request = { prompt, width: 1_024, height: 1_024 };
  const file = `${FOLDER}/${'a-name-of-eighty-bytes-'.padEnd(80, 'x')}_${id}.jpg`;
  return sampleJob({ id, request, state: 'saved', remoteId: `dt_${at}`, file, url, mediaType: 'image/jpeg' });
}

function failedJob(at: number, prompt: string): Job {
  const { file: _, url: __, ...job } = savedJob(at, prompt);
  const what = 'The service said: '.padEnd(600, 'no ');
  return {
    ...job,
    state: 'failed',
    failure: sampleFailure({ kind: 'generation_failed', reason: { code: 'worded', what }, creditsSpent: 'yes' }),
  };
}

const batch = (jobs: readonly Job[]) => ({ type: 'jobs' as const, jobs, duplicates: [] });
const depsOf = (pictureOf: ResultDeps['pictureOf']) => ({
  view: TIMES,
  pictureOf,
  sheetOf: async (_: readonly Job[], __: readonly number[], bounds: PreviewBounds) =>
    greedy(savedJob(0, 'all'), bounds),
  redact: (text: string) => text,
  clock: { ...systemClock, monotonic: () => 0 },
});

function batchOf(
  jobs: readonly Job[],
  clientName: string,
  content: 'auto' | readonly ResultPart[],
  hasViewer: boolean,
) {
  const profile = profileOf({ clientName, protocolVersion: '2025-11-25' }, content);
  const form = { ...profile, maxSidePx: IMAGE_SIDE_MAX_PX, hasViewer };
  return { max: form.maxBatchCharacters, result: jobsResult(batch(jobs), form, depsOf(greedy)) };
}

const textOf = ({ content }: CallToolResult): string =>
  content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
const picturesIn = ({ content }: CallToolResult): number => content.filter(({ type }) => type === 'image').length;

const names = HOST_PROFILES.map(({ clientNames }) => clientNames[0] ?? 'any-framework');
const wanted = fc.oneof(
  fc.constant<'auto'>('auto'),
  fc
    .subarray([...RESULT_CONTENT], { minLength: 1 })
    .filter((content) => content.includes('text') || content.includes('structured')),
);

describe.each(names)('a result for %s', (clientName) => {
  it('of 1 to 50 pictures is within its bound and names the id, the state and the file of each', async () => {
    const counts = fc.oneof(fc.constant(50), fc.integer({ min: 1, max: 50 }));
    const failures = fc.constantFrom(0, 1, 3);
    await fc.assert(
      fc.asyncProperty(counts, prompts, wanted, fc.boolean(), failures, async (count, prompt, content, viewer, nth) => {
        const jobs = Array.from({ length: count }, (_, at) =>
          nth > 0 && at % nth === 0 ? failedJob(at, repeated(prompt)) : savedJob(at, repeated(prompt)),
        );
        const batch = batchOf(jobs, clientName, content, viewer);
        const result = await batch.result;
        expect(JSON.stringify(result).length).toBeLessThanOrEqual(batch.max);
        const reported = `${textOf(result)}\n${JSON.stringify(result.structuredContent) ?? ''}`;
        for (const { id, state, file = '' } of jobs) {
          expect(reported).toContain(id);
          if (state === 'saved') expect(reported).toContain(file.slice(FOLDER.length + 1));
        }
        if (jobs.some(({ state }) => state === 'saved')) expect(reported).toContain(FOLDER);
      }),
      { numRuns: 25 },
    );
  });

  it('of one picture is within its bound, with the longest prompt and the longest URL', async () => {
    const urls = fc.constantFrom(1, 1_000, 4_070);
    await fc.assert(
      fc.asyncProperty(prompts, urls, wanted, fc.boolean(), async (prompt, url, content, hasViewer) => {
        const profile = profileOf({ clientName, protocolVersion: '2025-11-25' }, content);
        const job = savedJob(1, repeated(prompt), `https://cdn.doitong.com/${'x'.repeat(url)}`);
        const form = { ...profile, maxSidePx: IMAGE_SIDE_MAX_PX, hasViewer };
        const result = await jobsResult({ type: 'job', job }, form, depsOf(greedy));
        expect(JSON.stringify(result).length).toBeLessThanOrEqual(profile.maxCharacters);
        expect(JSON.stringify(result)).toContain(job.file);
        if (profile.content.includes('image')) expect(picturesIn(result)).toBe(1);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the room for pictures of a batch', () => {
  const short = (count: number): Job[] => Array.from({ length: count }, (_, at) => savedJob(at, 'A kite'));

  it.each([18, 50])('shows a contact sheet of %i pictures on Claude Code, which has all of it', async (count) => {
    const result = await batchOf(short(count), 'claude-code', 'auto', false).result;
    expect(picturesIn(result)).toBe(1);
    expect(JSON.stringify(result).length).toBeGreaterThan(36_000 - 3_000);
    expect(textOf(result)).toContain('The picture in this answer is a contact sheet of the finished pictures');
  });

  it('is shared equally where shares are large enough', async () => {
    const result = await batchOf(short(4), 'claude-ai', 'auto', false).result;
    const sizes = result.content.flatMap((part) => (part.type === 'image' ? [part.data.length] : []));
    expect(sizes).toHaveLength(4);
    expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThan(1.1);
  });

  it('has one sheet of all where one of them cannot be shown', async () => {
    const profile = profileOf({ clientName: 'claude-ai', protocolVersion: '2025-11-25' });
    const form = { ...profile, maxSidePx: IMAGE_SIDE_MAX_PX, hasViewer: false };
    const jobs = short(4);
    const source = async (job: Job, bounds: PreviewBounds): Promise<ShownPicture | undefined> =>
      job === jobs[1] ? undefined : greedy(job, bounds);
    const result = await jobsResult(batch(jobs), form, depsOf(source));
    expect(picturesIn(result)).toBe(1);
    expect(textOf(result)).toContain('contact sheet of the finished pictures, numbered as above');
  });

  it('without room for any says so, and where the pictures are', async () => {
    const result = await batchOf(short(50), 'any-framework', ['text', 'image', 'structured'], false).result;
    if (picturesIn(result) === 0) expect(textOf(result)).toContain('This answer has no previews');
    const few = batchOf(short(2), 'any-framework', 'auto', false);
    expect(picturesIn(await few.result)).toBe(1);
  });
});

describe('what gives way', () => {
  const long = Array.from({ length: 20 }, (_, at) => savedJob(at, 'x'.repeat(4_000)));

  it('are first the prompts in the data, and the text says so', async () => {
    const result = await batchOf(long.slice(0, 6), 'any-framework', 'auto', false).result;
    const data = result.structuredContent as { jobs: { prompt: string }[] };
    expect(data.jobs.map(({ prompt }) => prompt)).toEqual(Array(6).fill(`${'x'.repeat(200)}… [shortened]`));
    expect(textOf(result)).toContain('Prompts are shortened in this answer because this host accepts no more.');
  });

  it('are then the data; the text is there then even where the user has left it out', async () => {
    const many = Array.from({ length: 50 }, (_, at) => savedJob(at, 'x'.repeat(4_000)));
    const result = await batchOf(many, 'any-framework', ['image', 'structured'], false).result;
    expect(result.structuredContent).toBeUndefined();
    expect(textOf(result)).toContain('50 of 50 pictures are finished');
  });

  it('is nothing where the host takes it all', async () => {
    const result = await batchOf(long, 'claude-ai', 'auto', false).result;
    const data = result.structuredContent as { jobs: { prompt: string }[] };
    expect(data.jobs[0]?.prompt).toHaveLength(4_000);
    expect(textOf(result)).not.toContain('shortened');
  });
});
