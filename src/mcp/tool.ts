/** What a tool is: data, in one file each. Dependencies arrive with the call, so that listing tools needs none. */
import type * as z from 'zod';
import type { Job } from '../core/job.ts';
import type { JobFeed } from '../core/job-store.ts';
import type { Clock, Log, ResultPart } from '../core/ports.ts';
import type { Redact } from '../core/redaction.ts';
import type { Eta, ImageJobs } from '../jobs/image-jobs.ts';
import type { Confirmation } from '../limits/budget.ts';
import type { Confirmations, Question } from './confirmations.ts';

/** Whether the last question had no answer, so that the host counts as one that cannot ask its user. */
export type Questions = { isUnanswered: boolean };

export type McpDeps = {
  version: string;
  /** Pictures come from the built-in sandbox; every answer says so. */
  sandbox: boolean;
  /** Where the key goes when that is not the provider's own address; `reported` once a result has named it. */
  otherOrigin?: { origin: string; reported: boolean } | undefined;
  /** How long a call waits when it does not say. */
  defaultWaitSeconds: number;
  resultContent: 'auto' | readonly ResultPart[];
  /** The picture inside an answer: as large as the host takes, none, or at most so many pixels on its longer side. */
  preview: 'auto' | 'off' | number;
  /** The job service, made at the first call that needs it: listing tools needs no key, no disk, no network. */
  jobs: () => Promise<ImageJobs>;
  /** The job service if a call has made it already. */
  startedJobs: () => ImageJobs | undefined;
  /** Of the whole process, for protocols without connections. */
  questions: Questions;
  confirmations: () => Promise<Confirmations>;
  feed: JobFeed;
  /** Aborted when the process is about to end: what calls wait for ends, so that they can still answer. */
  ending: AbortSignal;
  /** The page for hosts with MCP Apps, as HTML; `undefined` where the program was put together without it. */
  viewerPage: () => Promise<string | undefined>;
  clock: Clock;
  log: Log;
  redact: Redact;
};

/** What a handler may use. Foreign text is redacted before it is shortened: half a secret is not recognised any more. */
export type ToolContext = Pick<McpDeps, 'jobs' | 'redact' | 'sandbox' | 'defaultWaitSeconds' | 'clock'> &
  Pick<Confirmation, 'canAsk' | 'answer'> & {
    /** Aborted when the caller gives up; ends waits, never jobs. */
    signal: AbortSignal;
    /** Reports the progress of the wait; `fraction` in [0, 1). Absent if the caller did not ask for it. */
    progress: ((fraction: number, message: string) => void) | undefined;
  };

export type SingleOutcome = {
  type: 'job';
  job: Job;
  /** An equal request had ordered it before. */
  duplicate?: boolean;
  waitedSeconds?: number | undefined;
  /** Of an unfinished job. */
  eta?: Eta | undefined;
  /** Its text has the whole prompt. */
  isWhole?: true;
};

/** Several jobs of one call, in the order of its entries. */
export type JobsOutcome = {
  type: 'jobs';
  /** Of the call that ordered them. */
  batch?: string | undefined;
  jobs: readonly Job[];
  /** The ids of those that an equal request had ordered before. */
  duplicates: readonly string[];
  waitedSeconds?: number | undefined;
  /** A sentence before what to do next. */
  note?: string;
};

/** What a handler answers: one value, rendered as text and as data elsewhere. */
export type ToolOutcome =
  | SingleOutcome
  | JobsOutcome
  | Question
  | { type: 'value'; value: Record<string, unknown>; text: string };

export type Tool<Input extends z.ZodObject = z.ZodObject> = {
  name: string;
  title: string;
  /** At most 1,024 characters, written for a model: when to use it, what it costs, what comes back. */
  description: string;
  /** `read` sends nothing that costs; `spend` orders pictures. Every annotation of the tool follows from this. */
  effect: 'read' | 'spend';
  /** Strict: a misspelt argument is an error, not a default that spends. */
  input: Input;
  /** Declared only by tools that always send `structuredContent`. */
  output?: z.ZodObject;
  /** Hosts with MCP Apps show its results in the viewer. */
  hasViewer?: true;
  handle(input: z.output<Input>, context: ToolContext): Promise<ToolOutcome>;
};

/** Checks here that the handler takes what the schema gives. */
export function defineTool<Input extends z.ZodObject>(tool: Tool<Input>): Tool {
  return tool;
}
