/** What the handlers of the protocol need from outside. */
import type { Clock, Log } from '../core/ports.ts';
import type { JobFeed } from '../core/job-store.ts';
import type { Redact } from '../core/redaction.ts';
import type { ResultPart } from '../core/result-part.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';

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
  /** What becomes of the jobs of this process. */
  feed: JobFeed;
  /** Aborted when the process is about to end: what calls wait for ends, so that they can still answer. */
  ending: AbortSignal;
  /** The page for hosts with MCP Apps, as HTML; `undefined` where the program was put together without it. */
  viewerPage: () => Promise<string | undefined>;
  clock: Clock;
  log: Log;
  redact: Redact;
};
