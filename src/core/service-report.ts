/** What examining the service found out, for people: nothing was ordered for it, and nothing was charged. */
import type { Failure } from './failure.ts';

export type OrderingFinding =
  | {
      type: 'settled';
      dialect: string;
      source: 'configured' | 'remembered' | 'schema' | 'only_one';
    }
  /** Introspection is off: the first order finds out which of them the service takes, in this order. */
  | { type: 'open'; dialects: readonly string[] }
  /** It is there, and no order of ours fits. */
  | { type: 'unserved'; dialect: string; missing: readonly string[]; unknown: readonly string[] }
  /** What was set, or every documented dialect, is not there. */
  | { type: 'absent'; dialects: readonly string[] };

export type ReadingFinding =
  /** A job was asked for, so that the key is accepted. */
  | { type: 'works'; query: string; source: 'configured' | 'remembered' | 'schema' | 'tried' }
  /** What was set, or everything that was tried, is not there. */
  | { type: 'none'; failure: Failure }
  /** Not settled yet. */
  | { type: 'open'; failure?: Failure };

export type ServiceReport =
  | { reached: false; failure: Failure }
  /** What could not be looked into is absent. */
  | {
      reached: true;
      tookMs: number;
      /** Milliseconds by which the service's clock is ahead of ours, 0 for the same; absent: it sends no time. */
      clockAheadMs?: number;
      /** As the answers reported them last. */
      limits: { limit?: number; remaining?: number };
      keyRefused?: Failure;
      /** Whether introspection is on. */
      schema?: 'readable' | 'withheld' | 'no_graphql';
      ordering?: OrderingFinding;
      reading?: ReadingFinding;
    };
