/** What the list of jobs says of pages that are short, empty or the last one. */
import { expect, it } from 'vitest';
import type { JobPage, PageOptions } from '../../../src/core/job-store.ts';
import type { ImageJobs } from '../../../src/jobs/image-jobs.ts';
import type { ToolContext } from '../../../src/mcp/tool.ts';
import { listJobs } from '../../../src/mcp/tools/list-jobs.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { sampleJob } from '../core/sample-jobs.ts';

const asked: PageOptions[] = [];

async function listed(page: JobPage, args: Record<string, unknown> = {}) {
  const jobs = {
    settings: { stalledAfterMs: 900_000 },
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
  expect(text).toContain('None of the newest jobs on record has this status');
  expect(text).toContain('cursor "job_7"');
});

it('an empty page without a cursor says that there are none', async () => {
  expect(await listed({ jobs: [] })).toEqual({ text: 'There are no such jobs on record.', value: { jobs: [] } });
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
