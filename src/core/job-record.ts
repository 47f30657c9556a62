/** The form of a job on disk: what is written, and what may be read back. */
import * as z from 'zod';
import { FAILURE_KINDS } from './failure.ts';
import { FLUX_VERSIONS, QUALITIES } from './image-request.ts';
import { JOB_ID, JOB_STATES, type Job } from './job.ts';

/** Raised whenever a record of before could be misread. */
const SCHEMA = 1;

const failureSchema = z.object({
  kind: z.enum(FAILURE_KINDS),
  message: z.string(),
  creditsSpent: z.enum(['no', 'maybe', 'yes']),
  retry: z.enum(['no', 'later', 'same_job']),
  retryAfterSeconds: z.number().optional(),
  remedy: z.string().optional(),
  httpStatus: z.number().optional(),
  creditsRequired: z.number().optional(),
  creditsAvailable: z.number().optional(),
});

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
  state: z.enum(JOB_STATES),
  createdAt: z.number(),
  updatedAt: z.number(),
  owner: z.object({ pid: z.number(), host: z.string(), session: z.string() }),
  completedAt: z.number().optional(),
  remoteId: z.string().optional(),
  remoteStatus: z.string().optional(),
  credits: z.object({ min: z.number(), max: z.number(), exact: z.number().nullable() }),
  url: z.string().optional(),
  file: z.string().optional(),
  mediaType: z.string().optional(),
  failure: failureSchema.optional(),
  sandbox: z.boolean(),
});

export type RecordReading =
  | { type: 'job'; job: Job }
  /** Written by a newer version of this program: shown where it can be read, never changed. */
  | { type: 'newer'; job: Job | undefined }
  | { type: 'damaged'; reason: string };

export function recordText(job: Job): string {
  return `${JSON.stringify({ schema: SCHEMA, job })}\n`;
}

export function readRecord(text: string): RecordReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: 'damaged', reason: 'it is not whole JSON' };
  }
  const version = z.object({ schema: z.int().min(1) }).safeParse(value);
  if (!version.success) return { type: 'damaged', reason: 'it names no schema' };
  const job = jobOf(value);
  if (version.data.schema > SCHEMA) return { type: 'newer', job };
  return job === undefined ? { type: 'damaged', reason: 'it does not hold a job' } : { type: 'job', job };
}

function jobOf(value: unknown): Job | undefined {
  const read = z.object({ job: jobSchema }).safeParse(value);
  // Absent and undefined mean the same here; JSON has only the former.
  return read.success ? (read.data.job as Job) : undefined;
}
