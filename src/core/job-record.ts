/** The form of a job's record: what may be taken for one when it is read back. */
import * as z from 'zod';
import { FAILURE_KINDS } from './failure.ts';
import { FLUX_VERSIONS, QUALITIES } from './image-request.ts';
import { JOB_ID, JOB_STATES, type Job } from './job.ts';
import { ownerSchema } from './ports.ts';

const failureSchema = z
  .object({
    kind: z.enum(FAILURE_KINDS),
    reason: z.looseObject({ code: z.string() }).optional(),
    message: z.string().optional(),
    creditsSpent: z.enum(['no', 'maybe', 'yes']),
    retry: z.enum(['no', 'later', 'same_job']),
    retryAfterSeconds: z.number().optional(),
    remedy: z.string().optional(),
    httpStatus: z.number().optional(),
    creditsRequired: z.number().optional(),
    creditsAvailable: z.number().optional(),
  })
  // Earlier versions kept a message and a remedy in place of the reason.
  .transform(({ message = '', remedy, reason, ...failure }) => ({
    ...failure,
    reason: reason ?? { code: 'worded', what: message, ...(remedy !== undefined && { next: remedy }) },
  }));

const jobSchema = z.object({
  id: z.string().regex(JOB_ID),
  idempotencyKey: z.string().min(1),
  request: z.object({
    prompt: z.string(),
    width: z.number(),
    height: z.number(),
    version: z.enum(FLUX_VERSIONS).optional(),
    quality: z.enum(QUALITIES).optional(),
  }),
  fileName: z.string().optional(),
  batch: z.string().optional(),
  nth: z.number().optional(),
  webhookUrl: z.string().optional(),
  dialect: z.string().optional(),
  leftOut: z.array(z.string()).optional(),
  state: z.enum(JOB_STATES),
  createdAt: z.number(),
  updatedAt: z.number(),
  owner: ownerSchema,
  acceptedAt: z.number().optional(),
  completedAt: z.number().optional(),
  remoteId: z.string().optional(),
  remoteStatus: z.string().optional(),
  credits: z.object({ min: z.number(), max: z.number(), exact: z.number().nullable() }),
  url: z.string().optional(),
  file: z.string().optional(),
  mediaType: z.string().optional(),
  size: z.object({ width: z.number(), height: z.number() }).optional(),
  failure: failureSchema.optional(),
  sandbox: z.boolean(),
});

export function parseJob(stored: unknown): Job | undefined {
  // Absent and undefined mean the same here; JSON has only the former.
  return jobSchema.safeParse(stored).data as Job | undefined;
}
