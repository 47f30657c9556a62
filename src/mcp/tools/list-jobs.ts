/** The tool that lists orders, those of earlier runs and of other processes included. */
import * as z from 'zod';
import type { Job } from '../../core/job.ts';
import { redactValues } from '../../core/redaction.ts';
import { cleanLine, fenced, fencedWithout } from '../../core/untrusted-text.ts';
import { nextStep, saidOf } from '../failure-text.ts';
import { badInput } from '../input-problems.ts';
import {
  creditsText,
  folderOf,
  JOB_STATUSES,
  jobView,
  jobViewSchema,
  joined,
  present,
  sizeText,
  statusOf,
  statusText,
} from '../job-view.ts';
import { valueResult } from '../result.ts';
import { defineTool } from '../tool.ts';

const ISO_TIME = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/u;

/** Epoch milliseconds of an ISO 8601 date or time, which is in UTC unless it says otherwise; `NaN` for what is none. */
function timeOf(text: string): number {
  const [, date = '', time = '00:00', zone = 'Z'] = ISO_TIME.exec(text) ?? [];
  return z.iso.date().safeParse(date).success ? Date.parse(`${date}T${time}${zone}`) : Number.NaN;
}

/** Whether the prompt or the name of the file has all of these words, whatever their case. */
function hasWords({ request, fileName = '', file = '' }: Job, query: string): boolean {
  const wordsOf = (text: string): string[] => text.normalize('NFC').toLowerCase().split(/\s+/u);
  const text = wordsOf(`${request.prompt} ${fileName} ${file.slice(folderOf(file).length)}`).join(' ');
  return wordsOf(query).every((word) => text.includes(word));
}

const input = z.strictObject({
  status: z
    .enum(JOB_STATUSES)
    .optional()
    .describe('Only this status: queued, submitting, processing, completed, failed or unknown. Default: all.'),
  query: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Words in prompt or file name, 1–200 characters. Default: all.'),
  since: z
    .string()
    .refine((text) => !Number.isNaN(timeOf(text)), 'must be an ISO 8601 date or time, such as 2026-11-05T09:30Z')
    .meta({ minLength: 10, maxLength: 40 })
    .optional()
    .describe('Ordered since then, 10–40 characters: 2026-11-05 or 2026-11-05T09:30Z. Default: all.'),
  limit: z.int().min(1).max(100).default(20).describe('How many jobs at most, 1–100. Default: 20.'),
  cursor: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('next_cursor of the previous answer, 1–200 characters. Default: none.'),
});

const output = z.strictObject({
  jobs: z.array(jobViewSchema),
  next_cursor: z.string().optional(),
  note: z.string().optional(),
});
type Listed = z.output<typeof output>;

export const listJobs = defineTool({
  name: 'list_jobs',
  title: 'List image jobs',
  description:
    'Lists jobs, newest first, also those of earlier sessions and other servers. Use it to find a ' +
    'picture again, as after a time-out, crash or restart. Costs nothing and sends nothing to the service. ' +
    'Returns jobs with status, file, URL, credits and next step, prompts cut to 200 ' +
    'characters, and next_cursor if there are more.',
  effect: 'read',
  input,
  output,
  async handle({ status, query = '', since, limit, cursor }, { jobs: startJobs, redact, clock }) {
    const jobs = await startJobs();
    const isWanted = (job: Job) => (status === undefined || statusOf(job.state) === status) && hasWords(job, query);
    const areOpen = status !== undefined && status !== 'completed' && status !== 'failed';
    const page = await jobs.page({ limit, cursor, isWanted, areOpen, since: since === undefined ? 0 : timeOf(since) });
    if (page === undefined)
      throw badInput(
        `cursor: ${fencedWithout(redact, cursor ?? '', 60)} is not a next_cursor that list_jobs has returned.`,
        'Call list_jobs without cursor to start with the newest job.',
      );
    const options = { ...jobs.settings, now: clock.now() };
    const others = await jobs.otherKeys.unfinished();
    const note = others && `${saidOf(others).what} ${nextStep(others)}`;
    const answerOf = (count: number, isBrief: boolean) => {
      const shown = page.jobs.slice(0, count);
      const views = redactValues(shown, redact).map((job) => listed(jobView(job, options), isBrief));
      const nextCursor = count < page.jobs.length ? shown.at(-1)?.id : page.nextCursor;
      const value = present<Listed>({ jobs: views, next_cursor: nextCursor, note });
      return { value, text: listText(value, isBrief) };
    };
    let answer = answerOf(limit, false);
    // With less detail where there are many jobs, and in more pages where that is not enough.
    for (let count = page.jobs.length; isTooLong(answer) && count > 0; count = Math.floor(count * 0.9))
      answer = answerOf(count, true);
    return { type: 'value', ...answer };
  },
});

/** Hosts cut or refuse what is longer, and the model pays for each character. */
function isTooLong({ value, text }: { value: Listed; text: string }): boolean {
  return JSON.stringify(valueResult(value, text)).length > 60_000;
}

/** @param isBrief without most of the prompt, and without the URL of a picture that has a file */
function listed({ url, prompt, ...view }: Listed['jobs'][number], isBrief: boolean) {
  const max = isBrief ? 40 : 200;
  return {
    ...view,
    prompt: [...prompt].length > max ? cleanLine(prompt, max) : prompt,
    url: isBrief && view.file !== undefined ? undefined : url,
  };
}

function listText({ jobs: views, next_cursor: nextCursor, note }: Listed, isBrief: boolean): string {
  if (views.length === 0 && nextCursor !== undefined)
    return `None of the newest jobs on record matches. For older jobs, repeat the call with cursor "${nextCursor}".`;
  if (views.length === 0) return joined('\n', 'No job on record matches.', note);
  const lines = views.map(({ batch_id: batch, number, ...view }, at) => {
    const heading = batch === undefined || batch === views[at - 1]?.batch_id ? '' : `Batch ${batch}:\n`;
    const prompt = fenced(view.prompt, isBrief ? 40 : 200);
    const where = view.file ?? view.url ?? view.error?.kind ?? '';
    const mark = number === undefined ? '-' : `${number}.`;
    const facts = [statusText(view), view.created_at, sizeText(view), creditsText(view), prompt].join(', ');
    return `${heading}${mark} ${view.job_id} ${facts} ${where}`.trimEnd();
  });
  const next = joined(
    ' ',
    views.some(({ status, file }) => status !== 'failed' && file === undefined) &&
      'Call get_job_status with the job_ids of those that are not finished or saved yet, and wait_seconds 45.',
    views.some(({ error }) => error?.kind === 'interrupted') &&
      'Interrupted orders were never sent and cost nothing: order them again if they are still wanted.',
  );
  return joined(
    '\n',
    views.length === 1 ? '1 job:' : `${views.length} jobs, newest first:`,
    ...lines,
    isBrief && 'Prompts are cut short and URLs are left out in such a long list; get_job_status shows a job in full.',
    note,
    nextCursor !== undefined && `More: repeat the call with cursor "${nextCursor}".`,
    `Next: ${next || 'No job listed here is unfinished. To see one, with its picture and whole prompt, call get_job_status.'}`,
  );
}
