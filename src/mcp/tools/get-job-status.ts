/** The tool that reads the status of a job and waits for it, for pictures that were not finished in time. */
import * as z from 'zod';
import { fencedWithout } from '../../core/untrusted-text.ts';
import { nextStep, saidOf } from '../failure-text.ts';
import { badInput } from '../input-problems.ts';
import { waitForAll, waitForJob, waitSecondsSchema } from '../ordering.ts';
import { defineTool } from '../tool.ts';

const id = z.string().min(1).max(200);

const input = z
  .strictObject({
    job_id: id.optional().describe("A job_id, or the job's id at Doitong; 1–200 characters. Default: job_ids."),
    job_ids: z.array(id).min(1).max(50).optional().describe('1–50 of them. Default: job_id.'),
    wait_seconds: waitSecondsSchema
      .default(0)
      .describe('Seconds to wait for it, 0–300; 45 suits most hosts. Default: 0.'),
  })
  .check(({ value, issues }) => {
    if ((value.job_id === undefined) !== (value.job_ids === undefined)) return;
    const message = 'must be given, or job_ids instead, but not both';
    issues.push({ code: 'custom', path: ['job_id'], message, input: value.job_id });
  });

export const getJobStatus = defineTool({
  name: 'get_job_status',
  title: 'Get the status of an image job',
  description:
    'Returns the status of one job or several and, once finished, the picture, its file path, URL and price. Use it ' +
    'when a picture was not finished in time or its outcome is not known, and repeat it until the status is completed with a file, failed or unknown. ' +
    'Costs nothing and places no new order. An order whose answer was lost is sent again in the ' +
    'background under its own idempotency key: it may be charged then, but never twice.',
  effect: 'read',
  input,
  hasViewer: true,
  async handle({ job_id: one, job_ids: several, wait_seconds: waitSeconds }, context) {
    const jobs = await context.jobs();
    const ids = several ?? (one === undefined ? [] : [one]);
    // A wait begins at once; without one, the first news of an idle job are waited for.
    const check = (known: string) => jobs.check(known, context.signal, waitSeconds > 0 ? 0 : 1_000);
    const checked = await Promise.all(ids.map(check));
    // One job may be named by both of its ids.
    const byId = new Map(checked.flatMap((job) => (job ? [[job.id, { job, duplicate: false }] as const] : [])));
    const unknown = ids.filter((_, at) => !checked[at]).map((known) => fencedWithout(context.redact, known, 80));
    const problem = `${several ? 'job_ids' : 'job_id'}: there ${unknown.length > 1 ? 'are no jobs' : 'is no job'} ${unknown.join(', ')} on record for this service and key.`;
    const [first] = byId.values();
    if (first === undefined) {
      const others = await jobs.otherKeys.unfinished();
      const unfinished = others === undefined ? '' : ` ${saidOf(others).what} ${nextStep(others)}`;
      throw badInput(problem, `Use the job_id exactly as an answer gave it; list_jobs lists all jobs.${unfinished}`);
    }
    if (several === undefined) return { ...(await waitForJob(first, waitSeconds, context)), isWhole: true };
    const waited = await waitForAll([...byId.values()], waitSeconds, context);
    return { ...waited, batch: undefined, ...(unknown.length > 0 && { note: `${problem} list_jobs lists all jobs.` }) };
  },
});
