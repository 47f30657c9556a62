// Owns what a scenario may change about the sandbox, and what holds where none changes it.

import type { JobEnding } from '../job.ts';
import type { ResetFormat } from '../limits.ts';

/** Every trait is set by at most one of the scenarios that are on together. */
export const plainTraits = {
  /** How many times longer than usual a job takes. */
  jobTimeFactor: 1,
  /** How far the service's clock is ahead of the machine's. */
  clockAheadMs: 0,
  /** How every job ends; undefined: as its prompt asks, else with a picture. */
  ending: undefined as JobEnding | undefined,
  /** The status of a job in the second half of its time. */
  lateStatus: undefined as string | undefined,
  /** Whether statuses are other words, in upper case. */
  shoutingStatus: false,
  /** The balance to begin with; undefined: as the options say. */
  credits: undefined as number | undefined,
  /** Whether the API's refusals come with HTTP 200. */
  refusalsWith200: false,
  /** Whether the first address of a picture has expired when it is fetched. */
  expiringUrls: false,
  wrongContentType: false,
  /** Whether /graphql is there at all. */
  graphql: true,
  introspection: true,
  /** Whether the mutation `generate` is there. */
  generate: true,
  /** Whether the input types have version, quality and webhookUrl. */
  optionalInput: true,
  /** How many fields a document may have at its root. */
  rootFieldsMax: Number.POSITIVE_INFINITY,
  /** Whether each of them counts as a request. */
  countsFields: false,
  /** The root field, and its argument, that answer for a job. */
  statusQuery: { field: 'checkJobStatus', argument: 'jobId' },
  /** Whether ends of jobs are announced. */
  webhooks: false,
  webhooksForged: false,
  /** How long after the end of its job a webhook is sent. */
  webhookDelayMs: 0,
  webhookTimes: 1,
  /** How X-RateLimit-Reset is written; undefined: the X-RateLimit headers are left out. */
  resetFormat: 'epoch-seconds' as ResetFormat | undefined,
};

export type Traits = typeof plainTraits;

/**
 * What happens to the first try of a request instead of its answer. `proxy` faults come before everything and meet
 * every request to the API; the others meet orders only, `after-charging` ones those that were carried out.
 */
export type FirstTry =
  | { stage: 'proxy'; answer: 'html' }
  | { stage: 'before-charging'; answer: 'rate-limited' | 'rate-limited-silent' | 'error' }
  | { stage: 'after-charging'; answer: 'error' | 'lost' | 'truncated' };
