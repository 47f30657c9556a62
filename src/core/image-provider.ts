/** The port to the service that makes pictures. */
import type { Failure } from './failure.ts';
import type { ImageRequest } from './image-request.ts';
import type { Times } from './ports.ts';

export type RemoteJob = {
  remoteId: string;
  phase: 'processing' | 'completed' | 'failed';
  /** The service's own word, verbatim. */
  remoteStatus: string;
  /** Where the picture is. When `phase` is `completed`, this, `inlinePicture` or `failure` is present. */
  url?: string;
  /** The picture itself as a data URL, where the service sends it in place of an address. Never recorded. */
  inlinePicture?: string;
  creditCost?: number;
  /** A price that was reported and cannot be right: there is no `creditCost` then. */
  implausibleCost?: number;
  /** Why there is no picture, always present when `phase` is `failed`; or why a finished one cannot be fetched. */
  failure?: Failure;
  /** Parts of the order (`version`, `quality`, `webhookUrl`) that the service does not take: it was sent without them. */
  leftOut?: readonly string[];
};

/** What came of reading one job; a failure never means that the job failed. */
export type Reading = { job: RemoteJob } | { failure: Failure };

export type PrepareOptions = {
  webhookUrl?: string | undefined;
  /** The dialect in which an earlier try of this order left, perhaps from another process: it may leave in no other. */
  dialect?: string | undefined;
  signal: AbortSignal;
};

/** An order as it will leave; its dialect is recorded before. What else it holds is known to its provider alone. */
export type PreparedOrder = { readonly dialect: string };

export type SendResult =
  | { type: 'accepted'; job: RemoteJob }
  /** Not accepted, and not worth another try. */
  | { type: 'failed'; failure: Failure }
  /**
   * To be sent again as `order`, `afterMs` later. `failure`: why this try counts as failed; absent when it was refused for
   * its encoding alone, which executed nothing. Only such a refusal changes the dialect.
   */
  | { type: 'again'; order: PreparedOrder; afterMs: number; failure?: Failure };

export interface ImageProvider {
  /** Why nothing can be asked of the service at all (no key), or `undefined`. Asks nobody. */
  unavailable(): Failure | undefined;
  /** Finds the dialect and the body of an order. Free of charge. @throws FluxError */
  prepare(request: ImageRequest, options: PrepareOptions): Promise<PreparedOrder>;
  /** Makes one try to order, once the caller has a permit for it. @param order from `prepare`, or from the try before */
  send(order: PreparedOrder, idempotencyKey: string, signal: AbortSignal): Promise<SendResult>;
  /**
   * Jobs as the service sees them now, in as few requests as it takes; tries again by itself within its bounds. Every id
   * has its own reading: what goes wrong with one touches no other. Rejects only when the signal was aborted.
   */
  readMany(remoteIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Reading>>;
  /** How many jobs one request can ask for at present, as far as is known; at least 1. Asks nobody. */
  readsAtOnce(): Promise<number>;
  /** Never rejects. @param ask where the service's time is not known, it is asked for it: one request, no credits */
  times(ask?: AbortSignal): Promise<Times>;
  /** Asks for nothing but the headers of the answer. Costs one request, no credits. @throws FluxError */
  refresh(signal: AbortSignal): Promise<void>;
  /**
   * Looks at the service for a person, with a key or without. Costs a few requests, no credits, and orders nothing; ends
   * with what is known by then when the signal is aborted.
   */
  probe(signal: AbortSignal): Promise<ServiceReport>;
  close(): Promise<void>;
}

export type OrderingFinding =
  | { type: 'settled'; dialect: string; source: 'configured' | 'remembered' | 'schema' | 'only_one' }
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
  | { type: 'open'; failure?: Failure };

/** What examining the service found out, for people: nothing was ordered for it, and nothing was charged. */
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
      /** It has made two jobs of one order with one idempotency key. */
      keysIgnored?: true;
      /** Whether introspection is on. */
      schema?: 'readable' | 'withheld' | 'no_graphql';
      ordering?: OrderingFinding;
      reading?: ReadingFinding;
    };
