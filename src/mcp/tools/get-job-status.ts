/** The tool that reads the status of a job and waits for it, for pictures that were not finished in time. */
import * as z from 'zod';
import { fencedWithout } from '../../core/untrusted-text.ts';
import { nextStep, saidOf } from '../failure-text.ts';
import { badInput } from '../input-problems.ts';
import { waitForJob, waitSecondsSchema } from '../ordering.ts';
import { defineTool } from '../tool.ts';

const input = z.strictObject({
  job_id: z.string().min(1).max(200).describe("A job_id, or the job's id at Doitong; 1–200 characters."),
  wait_seconds: waitSecondsSchema
    .default(0)
    .describe('Seconds to wait if it is not finished, 0–300; 45 suits most hosts. Default: 0.'),
});

export const getJobStatus = defineTool({
  name: 'get_job_status',
  title: 'Get the status of an image job',
  description:
    'Returns the status of a job and, once finished, the picture, its file path, URL and price. Use it when a picture ' +
    'was not finished in time or its outcome is not known, and repeat it until the status is completed, failed or ' +
    'unknown. Costs nothing and places no new order. An order whose answer was lost is sent again in the background ' +
    'under its own idempotency key: it may be charged then, but never twice.',
  effect: 'read',
  input,
  hasViewer: true,
  async handle({ job_id: id, wait_seconds: waitSeconds }, context) {
    const jobs = await context.jobs();
    // A wait begins at once; without one, the first news of an idle job are waited for.
    const job = await jobs.check(id, context.signal, waitSeconds > 0 ? 0 : 1_000);
    if (job === undefined) {
      const others = await jobs.otherKeys.unfinished();
      const unfinished = others === undefined ? '' : ` ${saidOf(others).what} ${nextStep(others)}`;
      throw badInput(
        `job_id: there is no job ${fencedWithout(context.redact, id, 80)} on record for this service and key.`,
        `Use the job_id exactly as an answer gave it; list_jobs lists all jobs.${unfinished}`,
      );
    }
    return waitForJob({ job, duplicate: false }, waitSeconds, context);
  },
});
