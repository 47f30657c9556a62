/** The tool that lists orders, those of earlier runs and of other processes included. */
import * as z from 'zod';
import { FluxError } from '../../core/failure.ts';
import { pageOfJobs } from '../../core/job-page.ts';
import type { Redact } from '../../core/redaction.ts';
import { quoted, quotedWithout } from '../../core/untrusted-text.ts';
import { JOB_STATUSES, type JobView, jobView, jobViewSchema, statusOf } from '../job-view.ts';
import { redactValues } from '../redact-result.ts';
import { defineTool } from '../tool.ts';

const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 20;
const PROMPT_SHOWN_CHARACTERS = 60;

const input = z.strictObject({
  status: z.enum(JOB_STATUSES).optional().describe('Only jobs of this status. Default: all.'),
  limit: z.int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT).describe('How many jobs to list at most.'),
  cursor: z.string().min(1).max(200).optional().describe('next_cursor of the answer before, for the jobs after it.'),
});

const output = z.strictObject({
  jobs: z.array(jobViewSchema).describe('newest first'),
  next_cursor: z.string().optional().describe('absent: there are no more'),
});

export const listJobs = defineTool({
  name: 'list_jobs',
  title: 'List image jobs',
  description:
    'Lists pictures ordered with generate_image, newest first, those of earlier sessions and of other running servers ' +
    'with the same key included, each with status, file, URL, credits and what to do next. Use it to find a picture ' +
    'again, above all after a crash, a restart or a time-out, before ordering anything anew. Costs nothing and asks ' +
    'nobody: it tells what is on record; get_job_status carries an unfinished job on. Returns jobs and, when there are ' +
    'more, next_cursor.',
  effect: 'read',
  input,
  output,
  async handle(args, context) {
    const jobs = await context.jobs();
    const wanted = (await jobs.list()).filter(
      (job) => args.status === undefined || statusOf(job.state) === args.status,
    );
    const page = pageOfJobs(wanted, args.limit, args.cursor);
    if (page === undefined) throw badCursor(context.redact, args.cursor ?? '');
    const { stalledAfterMs } = jobs.settings;
    const views = redactValues(page.jobs, context.redact).map((job) =>
      jobView(job, { now: context.now(), stalledAfterMs }),
    );
    const value = { jobs: views, ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }) };
    return { type: 'value', value, text: text(views, page.nextCursor) };
  },
});

function text(views: readonly JobView[], nextCursor: string | undefined): string {
  if (views.length === 0) return 'There are no such jobs on record.';
  const lines = views.map((view) => {
    const where = view.file ?? view.url ?? view.error?.kind ?? '';
    const prompt = quoted(view.prompt, PROMPT_SHOWN_CHARACTERS);
    return `- ${view.job_id} ${view.status}${view.stalled ? ' (stalled)' : ''}, ${view.created_at}, ${prompt} ${where}`.trimEnd();
  });
  const open = views.some((view) => ['submitting', 'processing', 'queued'].includes(view.status));
  return [
    views.length === 1 ? '1 job:' : `${views.length} jobs, newest first:`,
    ...lines,
    ...(nextCursor === undefined ? [] : [`More: call list_jobs with cursor "${nextCursor}".`]),
    open ? 'Next: call get_job_status with the job_id of an unfinished job to carry it on.' : 'Next: nothing is open.',
  ].join('\n');
}

function badCursor(redact: Redact, cursor: string): FluxError {
  return new FluxError({
    kind: 'bad_input',
    message: `cursor: ${quotedWithout(redact, cursor, 60)} is not the next_cursor of an answer of list_jobs.`,
    creditsSpent: 'no',
    retry: 'no',
    remedy: 'Call list_jobs without cursor to begin with the newest job.',
  });
}
