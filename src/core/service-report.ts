/** What examining the service found out, for people: nothing was ordered for it, and nothing was charged. */
import type { Failure } from './failure.ts';

/** At which step a request came to nothing. */
export type ReachStage = 'name' | 'connection' | 'encryption' | 'time' | 'other';

/** `mediaType` as the answer named it, without parameters. */
export type FirstFailure = { failure: Failure; mediaType?: string };

export type Reach =
  /** `firstFailure`: what the first try of this very request came to before the second one went through. */
  | { type: 'reached'; tookMs: number; firstFailure?: FirstFailure }
  | { type: 'unreachable'; stage: ReachStage; failure: Failure }
  /** Something answered, but not as the API does. */
  | ({ type: 'strange' } & FirstFailure)
  | { type: 'refused'; failure: Failure }
  /** Nothing was sent: no request may leave before then (epoch milliseconds). */
  | { type: 'paused'; until: number };

export type ResetForm = 'epoch_seconds' | 'epoch_milliseconds' | 'seconds_from_now' | 'date' | 'unreadable';

/** The limits in the headers of the answers. */
export type ReportedLimits = { limit?: number; remaining?: number; resetsAt?: number; resetForm?: ResetForm };

export type KeyFinding =
  /** A job was asked for with it. */
  | { type: 'accepted' }
  /** A question that needs no job was answered; whether the key counts for jobs is not known. */
  | { type: 'not_refused' }
  | { type: 'refused'; failure: Failure }
  | { type: 'unknown' };

export type OrderingFinding =
  | {
      type: 'settled';
      dialect: string;
      source: 'configured' | 'remembered' | 'schema' | 'only_one';
      /** Whether the service's schema says that it takes such an order. */
      checked: boolean;
      /** Parts of an order that have no place there: `version`, `quality`, `webhookUrl`. */
      leftOut: readonly string[];
    }
  /** Introspection is off: the first order finds out which of them the service takes, in this order. */
  | { type: 'open'; dialects: readonly string[] }
  /** It is there, and no order of ours fits. `instead`: another dialect that fits. */
  | { type: 'unserved'; dialect: string; missing: readonly string[]; unknown: readonly string[]; instead?: string }
  /** What was set, or every documented dialect, is not there. */
  | { type: 'absent'; dialects: readonly string[]; instead?: string }
  | { type: 'unknown' };

export type ReadingFinding =
  | { type: 'works'; query: string; source: 'configured' | 'remembered' | 'schema' | 'tried' }
  /** What was set does not exist there. `offered`: what the schema offers in its place, best first. */
  | { type: 'unfit'; query: string; offered: readonly string[] }
  /** Not settled yet: these are tried with the first job. */
  | { type: 'open'; queries: readonly string[]; failure?: Failure }
  /** Nothing was found: neither in the schema nor by trying. */
  | { type: 'none' }
  | { type: 'unknown' };

export type ServiceReport = {
  reach: Reach;
  /** Milliseconds by which the service's clock is ahead of ours, 0 for the same; absent: it sends no time. */
  clockAheadMs?: number;
  limits: ReportedLimits;
  key: KeyFinding;
  /** Whether introspection is on. */
  schema: 'told' | 'withheld' | 'no_graphql' | 'unknown';
  ordering: OrderingFinding;
  reading: ReadingFinding;
};
