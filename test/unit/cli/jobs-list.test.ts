/** Proves what a person reads of the records: a table that lines up, what is left out, and where the records are. */
import { describe, expect, it } from 'vitest';
import { type JobsList, jobsListText, jobsTable } from '../../../src/cli/jobs-list.ts';
import type { Job } from '../../../src/core/job.ts';
import { type JobView, jobView } from '../../../src/mcp/job-view.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const HOUR_MS = 3_600_000;
const viewOf = (patch: Partial<Job>): JobView =>
  jobView(sampleJob(patch), { now: CREATED_AT + HOUR_MS, stalledAfterMs: HOUR_MS / 4 });
const credits = (exact: number | null) => ({ min: 10, max: 20, exact });

describe('the table', () => {
  it('has a line for each job, its columns below each other', () => {
    const refused = sampleFailure({ kind: 'moderated', creditsSpent: 'no' });
    const table = jobsTable([
      viewOf({ id: 'job_abc', state: 'saved', file: '/p/fox.jpg', credits: credits(15) }),
      viewOf({ id: 'job_de', state: 'processing' }),
      viewOf({ id: 'job_f', state: 'failed', failure: refused }),
    ]);
    expect(table.split('\n')).toEqual([
      'JOB      STATUS                CREATED               CREDITS  PROMPT  FILE',
      'job_abc  completed             2026-11-01T00:00:00Z  15       a fox   /p/fox.jpg',
      'job_de   processing (stalled)  2026-11-01T00:00:00Z  10–20    a fox',
      'job_f    failed                2026-11-01T00:00:00Z  0        a fox   (moderated)',
    ]);
  });

  it.each(['狐と雪狐', '🦊🦊🦊🦊', 'e\u0301e\u0301cdefgh'])(
    'lines up next to a prompt of as many columns: %s',
    (prompt) => {
      const views = [prompt, 'abcdefgh'].map((text) =>
        viewOf({ request: { prompt: text, width: 256, height: 256 }, state: 'saved', file: '/f' }),
      );
      const [, one = '', other = ''] = jobsTable(views).split('\n');
      expect(one.endsWith(`  ${prompt}  /f`)).toBe(true);
      expect(other.endsWith('  abcdefgh  /f')).toBe(true);
    },
  );

  it('shortens a prompt and removes what could control a terminal', () => {
    const request = { prompt: `\u001B[31mred\u202E\n${'long '.repeat(20)}`, width: 256, height: 256 };
    const [, line = ''] = jobsTable([viewOf({ request })]).split('\n');
    expect(line).toMatch(/ {2}\[31mred long long .+…$/u);
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(line.length).toBeLessThan(100);
  });
});

describe('the list', () => {
  const reported: JobsList = {
    views: [],
    found: 0,
    onRecord: 0,
    status: undefined,
    service: 'https://api.doitong.com',
    folder: '/state/partition',
    damaged: { folder: '/state/partition/damaged', count: 0 },
  };
  const view = viewOf({});

  it('says so when nothing is on record, and where it would be', () => {
    expect(jobsListText(reported)).toBe(
      'There are no jobs on record for https://api.doitong.com and this key.\nRecords: /state/partition',
    );
  });

  it('distinguishes having no jobs from having none of a status', () => {
    expect(jobsListText({ ...reported, onRecord: 7, status: 'failed' })).toMatch(
      /^None of the 7 jobs on record for .+ has the status failed\.\n/u,
    );
  });

  it.each([
    [{ found: 1 }, '1 job.'],
    [{ found: 9 }, 'The newest 1 of 9 jobs; --limit N shows more.'],
    [{ found: 1, status: 'queued' as const }, '1 job with the status queued.'],
  ])('says how many there are: %j', (patch, says) => {
    const lines = jobsListText({ ...reported, views: [view], onRecord: 9, ...patch }).split('\n');
    expect(lines.slice(2)).toEqual(['', says, 'Records: /state/partition']);
  });

  it.each([
    [1, '1 damaged record is set aside in /state/partition/damaged and not listed.'],
    [3, '3 damaged records are set aside in /state/partition/damaged and not listed.'],
  ])('says that %i damaged records were set aside', (count, says) => {
    const damaged = { ...reported.damaged, count };
    expect(jobsListText({ ...reported, damaged })).toContain(`\n${says}\n`);
  });
});
