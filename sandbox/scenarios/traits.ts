// Owns what a scenario may change about the sandbox, and what holds where none changes it.

import type { JobEnding } from '../job.ts';

/** Every trait is set by at most one of the scenarios that are on together. */
export type Traits = {
  /** How many times longer than usual a job takes. */
  jobTimeFactor: number;
  /** How far the service's clock is ahead of the machine's. */
  clockAheadMs: number;
  /** How every job ends; undefined: as its prompt asks, else with a picture. */
  ending: JobEnding | undefined;
  /** The status of a job in the second half of its time. */
  lateStatus: string | undefined;
  /** Whether statuses are told in upper case and by other words. */
  shoutingStatus: boolean;
  /** The balance to begin with; undefined: as the options say. */
  credits: number | undefined;
  /** Whether the API's refusals come with HTTP 200. */
  refusalsWith200: boolean;
  /** Whether the first address of a picture has expired when it is fetched. */
  expiringUrls: boolean;
  wrongContentType: boolean;
  /** Whether /graphql is there at all. */
  graphql: boolean;
  introspection: boolean;
  /** Whether the mutation `generate` is there. */
  generate: boolean;
  /** Whether the input types have version, quality and webhookUrl. */
  optionalInput: boolean;
  /** How many fields a document may ask for at its root. */
  rootFieldsMax: number;
  /** Whether each of them counts as a request. */
  countsFields: boolean;
  /** The root field, and its argument, that answer for a job. */
  statusQuery: { field: string; argument: string };
  /** Whether ends of jobs are announced. */
  webhooks: boolean;
  webhooksForged: boolean;
  /** How long after the end of its job a webhook is sent. */
  webhookDelayMs: number;
  webhookTimes: number;
  /** How X-RateLimit-Reset tells the time; undefined: the X-RateLimit headers are left out. */
  resetFormat: ResetFormat | undefined;
};

export type ResetFormat = 'epoch-seconds' | 'epoch-ms' | 'seconds-from-now' | 'iso';

/**
 * What happens to the first try of a request instead of its answer. `proxy` faults stand before everything and meet
 * every request to the API; the others meet orders only, `after-charging` ones those that were carried out.
 */
export type FirstTry =
  | { stage: 'proxy'; answer: 'html' }
  | { stage: 'before-charging'; answer: 'rate-limited' | 'rate-limited-silent' | 'error' }
  | { stage: 'after-charging'; answer: 'error' | 'lost' | 'truncated' };

export const plainTraits: Traits = {
  jobTimeFactor: 1,
  clockAheadMs: 0,
  ending: undefined,
  lateStatus: undefined,
  shoutingStatus: false,
  credits: undefined,
  refusalsWith200: false,
  expiringUrls: false,
  wrongContentType: false,
  graphql: true,
  introspection: true,
  generate: true,
  optionalInput: true,
  rootFieldsMax: Number.POSITIVE_INFINITY,
  countsFields: false,
  statusQuery: { field: 'checkJobStatus', argument: 'jobId' },
  webhooks: false,
  webhooksForged: false,
  webhookDelayMs: 0,
  webhookTimes: 1,
  resetFormat: 'epoch-seconds',
};
