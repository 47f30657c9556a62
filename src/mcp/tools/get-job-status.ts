/** The tool that reads the status of a job and waits for it, for pictures that were not finished in time. */
import * as z from 'zod';
import { fencedWithout } from '../../core/untrusted-text.ts';
import { badInput } from '../input-problems.ts';
import { waitForJob, waitSecondsSchema } from '../ordering.ts';
import { defineTool } from '../tool.ts';

const input = z.strictObject({
  job_id: z
    .string()
    .min(1)
    .max(200)
    .describe(
      'The job_id from generate_image, generate_images or list_jobs, or the id that Doitong gave the job; 1–200 characters.',
    ),
  wait_seconds: waitSecondsSchema
    .default(0)
    .describe(
      'How many seconds to wait for the picture if it is not finished, 0–300; 0 answers at once, and 45 suits most hosts. Default: 0.',
    ),
});

export const getJobStatus = defineTool({
  name: 'get_job_status',
  title: 'Get the status of an image job',
  description:
    'Returns the status of a picture ordered earlier with generate_image or generate_images and, once it is finished, ' +
    'the picture, its file path and URL. Use it when a job is not finished or its outcome is not known, instead of ' +
    'ordering the picture again. It places no new order and costs nothing itself: it only reads, waits and reports. An ' +
    'order whose answer was lost is sent again in the background under its own idempotency key, so that it may be ' +
    'charged then, but never twice. With wait_seconds it answers as soon as the picture is finished; repeat the call until the ' +
    'status is "completed", "failed" or "unknown". Jobs of earlier sessions are known, too: list_jobs lists them.',
  effect: 'read',
  input,
  hasViewer: true,
  async handle({ job_id: id, wait_seconds: waitSeconds }, context) {
    const jobs = await context.jobs();
    const job = await jobs.check(id, context.signal);
    if (job === undefined)
      throw badInput(
        `job_id: there is no job ${fencedWithout(context.redact, id, 80)} on record for this service and key.`,
        'Use the job_id exactly as an answer gave it; list_jobs lists all jobs.',
      );
    return waitForJob({ job, duplicate: false }, waitSeconds, context);
  },
});
