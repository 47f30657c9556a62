/** What the list of jobs searches for, and what it says of the jobs and of pages that are short, empty or the last one. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import type { JobPage, PageOptions } from '../../../src/core/job-store.ts';
import type { ImageJobs } from '../../../src/jobs/image-jobs.ts';
import type { ToolContext } from '../../../src/mcp/tool.ts';
import { listJobs } from '../../../src/mcp/tools/list-jobs.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const asked: PageOptions[] = [];

async function listed(page: JobPage, args: Record<string, unknown> = {}) {
  const jobs = {
    settings: {},
    otherKeys: { unfinished: async () => undefined },
    async page(options: PageOptions) {
      asked.push(options);
      return page;
    },
  } as unknown as ImageJobs;
  const context = { jobs: async () => jobs, redact: (text: string) => text, clock: createManualClock() };
  const outcome = await listJobs.handle({ limit: 20, ...args }, context as unknown as ToolContext);
  if (outcome.type !== 'value') throw new Error('no list');
  return { text: outcome.text, value: outcome.value as { jobs: unknown[]; next_cursor?: string } };
}

it('an empty page that is not the last one leads to older jobs, and does not say that there are none', async () => {
  const { text, value } = await listed({ jobs: [], nextCursor: 'job_7' }, { status: 'failed' });
  expect(value).toEqual({ jobs: [], next_cursor: 'job_7' });
  expect(text).toContain('None of the newest jobs on record matches');
  expect(text).toContain('cursor "job_7"');
});

it('an empty page without a cursor says that there are none', async () => {
  expect(await listed({ jobs: [] })).toEqual({ text: 'No job on record matches.', value: { jobs: [] } });
});

it('a page that is cut because it would be too long goes on after the last job that it shows', async () => {
  const url = `https://cdn.doitong.com/${'x'.repeat(2_000)}.jpg`;
  const jobs = Array.from({ length: 40 }, (_, n) => sampleJob({ id: `job_${99 - n}`, state: 'completed', url }));
  const { value } = await listed({ jobs, nextCursor: 'job_50' }, { limit: 40 });
  expect(value.jobs.length).toBeLessThan(40);
  expect(value.next_cursor).toBe(`job_${100 - value.jobs.length}`);
});

it.each([
  ['queued', true],
  ['submitting', true],
  ['processing', true],
  ['unknown', true],
  ['completed', false],
  ['failed', false],
  [undefined, false],
])('of status %s: whether only open jobs are searched: %s', async (status, areOpen) => {
  await listed({ jobs: [] }, { status });
  expect(asked.at(-1)?.areOpen).toBe(areOpen);
});

describe('what is searched for', () => {
  const isFound = async (job: Partial<Job>, args: Record<string, unknown>): Promise<boolean | undefined> => {
    await listed({ jobs: [] }, args);
    return asked.at(-1)?.isWanted?.(sampleJob(job));
  };
  const request = { prompt: 'A Fox in the\nSNOW, caf\u00E9', width: 256, height: 256 };

  it.each([
    ['fox snow', true],
    ['SNOW  Fox', true],
    ['fox rain', false],
    ['cafe\u0301', true],
    ['harbour', true],
    ['dawn', true],
    ['pictures', false],
  ])('%j is in the prompt or the name of the file, all of it and in any case: %s', async (query, found) => {
    expect(await isFound({ request, fileName: 'Harbour', file: '/pictures/dawn-job_1.jpg' }, { query })).toBe(found);
  });

  it('must match beside the status', async () => {
    expect(await isFound({ request, state: 'saved' }, { query: 'fox', status: 'failed' })).toBe(false);
    expect(await isFound({ request, state: 'saved' }, { query: 'fox', status: 'completed' })).toBe(true);
  });

  it.each([
    ['2026-11-05', '2026-11-05T00:00:00.000Z'],
    ['2026-11-05T09:30', '2026-11-05T09:30:00.000Z'],
    ['2026-11-05T09:30:15.5Z', '2026-11-05T09:30:15.500Z'],
    ['2026-11-05T09:30+02:00', '2026-11-05T07:30:00.000Z'],
    ['2026-11-05T09:30:00-05:00', '2026-11-05T14:30:00.000Z'],
  ])('since %s begins at %s', async (since, at) => {
    expect(listJobs.input.safeParse({ since }).success).toBe(true);
    await listed({ jobs: [] }, { since });
    expect(new Date(asked.at(-1)?.since ?? Number.NaN).toISOString()).toBe(at);
  });

  it.each(['yesterday', '2026-02-30', '2026-13-01', '05.11.2026', '2026-11-05T25:00Z', '2026', '', '1793491200'])(
    'since %j is an error that shows the form',
    (since) => {
      const [issue] = listJobs.input.safeParse({ since }).error?.issues ?? [];
      expect(issue).toMatchObject({ path: ['since'], message: expect.stringContaining('such as 2026-11-05') });
    },
  );
});

describe('the text of a list', () => {
  const inBatch = (batch: string, number: number, state: Job['state']): Job =>
    sampleJob({ id: `job_${batch}${number}`, batch: `job_${batch}1`, number, state });

  it('names each call for several pictures once, and the places of its pictures', async () => {
    const jobs = [
      sampleJob({ id: 'job_z', state: 'saved', file: '/p/z.jpg' }),
      ...[1, 2, 3].map((number) => ({ ...inBatch('b', number, 'saved'), file: `/p/b${number}.jpg` })),
      ...[2, 3].map((number) => ({ ...inBatch('a', number, 'saved'), file: `/p/a${number}.jpg` })),
    ];
    const { text } = await listed({ jobs });
    const at = '2026-11-01T00:00:00.000Z, 1024 × 1024, 10 to 20 credits by the price list, "a fox"';
    expect(text.split('\n')).toEqual([
      '6 jobs, newest first:',
      `- job_z completed, ${at} /p/z.jpg`,
      'Batch job_b1:',
      `1. job_b1 completed, ${at} /p/b1.jpg`,
      `2. job_b2 completed, ${at} /p/b2.jpg`,
      `3. job_b3 completed, ${at} /p/b3.jpg`,
      'Batch job_a1:',
      `2. job_a2 completed, ${at} /p/a2.jpg`,
      `3. job_a3 completed, ${at} /p/a3.jpg`,
      'Next: No job listed here is unfinished. To see one, with its picture and whole prompt, call get_job_status.',
    ]);
  });

  it('says what is open, and what was never sent', async () => {
    const nextOf = async (...jobs: Job[]): Promise<string | undefined> =>
      (await listed({ jobs })).text.split('\n').at(-1);
    const interrupted = sampleFailure({ kind: 'interrupted', creditsSpent: 'no' });
    const open = /^Next: Call get_job_status with the job_ids of those that are not finished or saved yet/u;
    for (const state of ['queued', 'submitting', 'processing', 'completed', 'unknown'] as const)
      expect(await nextOf(sampleJob({ state })), state).toMatch(open);
    expect(await nextOf(sampleJob({ state: 'failed', failure: interrupted }))).toBe(
      'Next: Interrupted orders were never sent and cost nothing: order them again if they are still wanted.',
    );
    expect(await nextOf(sampleJob({ state: 'failed', failure: sampleFailure() }))).toMatch(
      /^Next: No job listed here is unfinished\./u,
    );
    expect(
      await nextOf(sampleJob({ state: 'processing' }), sampleJob({ state: 'failed', failure: interrupted })),
    ).toMatch(/wait_seconds 45\. Interrupted orders were never sent/u);
  });
});
