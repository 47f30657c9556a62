/** Proves what a person reads of the records: a table that lines up, what is left out, and where the records are. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { countText, jobsTable } from '../../../src/cli/jobs.ts';
import type { Job } from '../../../src/core/job.ts';
import { type JobView, jobView } from '../../../src/mcp/job-view.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const HOUR_MS = 3_600_000;
const viewOf = (patch: Partial<Job>): JobView => jobView(sampleJob(patch), { now: CREATED_AT + HOUR_MS });
const credits = (exact: number | null) => ({ min: 10, max: 20, exact });

describe('the table', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('has a line for each job, its columns below each other', () => {
    vi.stubEnv('TZ', 'UTC');
    const refused = sampleFailure({ kind: 'moderated', creditsSpent: 'no' });
    const table = jobsTable([
      viewOf({ id: 'job_abc', state: 'saved', file: '/p/fox.jpg', credits: credits(15) }),
      viewOf({ id: 'job_de', state: 'processing' }),
      viewOf({ id: 'job_f', state: 'failed', failure: refused }),
    ]);
    expect(table.split('\n')).toEqual([
      'JOB      STATUS                CREATED            CREDITS  PROMPT  FILE',
      'job_abc  completed             1 Nov 2026, 00:00  15       a fox   /p/fox.jpg',
      'job_de   processing (stalled)  1 Nov 2026, 00:00  10–20    a fox',
      'job_f    failed                1 Nov 2026, 00:00  0        a fox   (moderated)',
    ]);
  });

  it('shortens a prompt and removes what could control a terminal', () => {
    const request = { prompt: `\u001B[31mred\u202E\n${'long '.repeat(20)}`, width: 256, height: 256 };
    const [, line = ''] = jobsTable([viewOf({ request })]).split('\n');
    expect(line).toMatch(/ {2}\[31mred long long .+…$/u);
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(line.length).toBeLessThan(100);
  });
});

describe('what the list says of what it leaves out', () => {
  const found = { hasMore: false, status: undefined, whose: 'for https://api.doitong.com and this key' };

  it.each([
    [0, {}, 'There are no jobs on record for https://api.doitong.com and this key.'],
    [
      0,
      { status: 'failed' as const },
      'There are no jobs with the status failed on record for https://api.doitong.com and this key.',
    ],
    [1, {}, '1 job.'],
    [2, { hasMore: true }, 'The newest 2 jobs; --limit N shows more.'],
    [1, { status: 'queued' as const }, '1 job with the status queued.'],
  ])('%i shown of %j', (shown, patch, says) => {
    expect(countText(shown, { ...found, ...patch })).toBe(says);
  });
});
