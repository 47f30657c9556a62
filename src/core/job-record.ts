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
  batch: z.string().optional(),
  nth: z.number().optional(),
  webhookUrl: z.string().optional(),
  dialect: z.string().optional(),
  leftOut: z.array(z.string()).optional(),
  state: z.enum(JOB_STATES),
  createdAt: z.number(),
  updatedAt: z.number(),
  owner: z.object({ pid: z.number(), host: z.string(), session: z.string() }),
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

export type RecordReading =
  | { type: 'job'; job: Job }
  /** Written by a newer version of this program: shown where it can be read, never changed. */
  | { type: 'newer'; job: Job | undefined }
  | { type: 'damaged'; reason: string };

/** The job stands last and as one piece, so that its sum is taken over the very text. */
const SUMMED = /^\{"schema":1,"sum":"([0-9a-f]{16})","job":(.*)\}\n$/su;

export function recordText(job: Job): string {
  const text = JSON.stringify(job);
  return `{"schema":${SCHEMA},"sum":"${sumOf(text)}","job":${text}}\n`;
}

/**
 * A text whose sum is right was written by `recordText` and needs no second look, which would cost ten times as much.
 * A sum that is wrong tells of damage that still reads well: a changed key would be a second order.
 */
export function readRecord(text: string): RecordReading {
  const [, sum, jobText] = SUMMED.exec(text) ?? [];
  if (sum === undefined || jobText === undefined) return readUnsummed(text);
  if (sumOf(jobText) !== sum) return { type: 'damaged', reason: 'its sum is wrong' };
  return { type: 'job', job: JSON.parse(jobText) as Job };
}

/** 64 bits of the text, for telling damage, not malice. */
function sumOf(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x9e3779b9;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other + unit + (one >>> 15), 0x85ebca6b);
  }
  return (one >>> 0).toString(16).padStart(8, '0') + (other >>> 0).toString(16).padStart(8, '0');
}

/** Written by hand or by another version. */
function readUnsummed(text: string): RecordReading {
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
