/** The tool that looks at a job and waits for it: the way to a picture that was not finished in time. */
import * as z from 'zod';
import { FluxError } from '../../core/failure.ts';
import type { Redact } from '../../core/redaction.ts';
import { quotedWithout } from '../../core/untrusted-text.ts';
import { defineTool } from '../tool.ts';
import { waitForJob } from '../wait-for-job.ts';
import { waitSecondsSchema } from '../wait-seconds.ts';

const JOB_ID_MAX_CHARACTERS = 200;

const input = z.strictObject({
  job_id: z
    .string()
    .min(1)
    .max(JOB_ID_MAX_CHARACTERS)
    .describe('The job_id from generate_image, or the id that Doitong gave the job.'),
  wait_seconds: waitSecondsSchema
    .default(0)
    .describe('How long to wait for the picture if it is not finished; 0 only looks. 45 suits most hosts.'),
});

export const getJobStatus = defineTool({
  name: 'get_job_status',
  title: 'Get the status of an image job',
  description:
    'Looks at a picture ordered earlier with generate_image, and returns the picture, file path and URL when it is ' +
    'ready. Use it whenever generate_image answered with a job that is not finished or whose outcome is not known, ' +
    'and instead of ordering the same picture again. Costs no credits: it never orders a picture; a request whose ' +
    'answer was lost is repeated under its own idempotency key, which cannot be charged twice. With wait_seconds it ' +
    'waits and answers as soon as the picture is there; repeat it until status is "completed" or "failed". Jobs of ' +
    'earlier sessions are known, too: list_jobs finds them.',
  effect: 'read',
  input,
  hasViewer: true,
  async handle(args, context) {
    const jobs = await context.jobs();
    const job = await jobs.look(args.job_id, context.signal);
    if (job === undefined) throw unknownJob(context.redact, args.job_id);
    return waitForJob(jobs, job.id, args.wait_seconds, context);
  },
});

function unknownJob(redact: Redact, id: string): FluxError {
  return new FluxError({
    kind: 'bad_input',
    message: `job_id: there is no job ${quotedWithout(redact, id, 80)} on record for this service and key.`,
    creditsSpent: 'no',
    retry: 'no',
    remedy: 'Use the job_id that generate_image answered with, letter for letter; list_jobs lists all.',
  });
}
