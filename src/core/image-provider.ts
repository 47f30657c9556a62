/** The port to the service that makes pictures. */
import type { Failure } from './failure.ts';
import type { ImageRequest } from './image-request.ts';
import type { RateWindow } from './rate-window.ts';

/** A job as the service tells it. */
export type RemoteJob = {
  remoteId: string;
  phase: 'processing' | 'completed' | 'failed';
  /** The service's own word, verbatim. */
  remoteStatus: string;
  /** Where the picture is; always present when `phase` is `completed`. */
  url?: string;
  /** Credits, exact. */
  creditCost?: number;
  /** Why there is no picture; always present when `phase` is `failed`. */
  failure?: Failure;
};

export interface ImageProvider {
  /** Why nothing can be asked of the service at all (no key), or `undefined`. Asks nobody. */
  unavailable(): Failure | undefined;
  /**
   * Orders one picture. The same key with every try of the same picture: the implementation tries again by itself,
   * within its bounds, and never makes a key.
   * @throws FluxError; its `creditsSpent` covers all tries made: `maybe` as soon as one of them was ambiguous.
   */
  submit(request: ImageRequest, idempotencyKey: string, signal: AbortSignal): Promise<RemoteJob>;
  /**
   * The job as the service sees it now. Costs one request, no credits; tries again by itself within its bounds.
   * @throws FluxError, which never means that the job failed.
   */
  read(remoteId: string, signal: AbortSignal): Promise<RemoteJob>;
  /** What the last answers told of the request window. */
  rateWindow(): RateWindow;
  /** The balance in credits that the service told last, with the time (epoch ms), or `undefined`. */
  lastKnownBalance(): { credits: number; at: number } | undefined;
  /** Ends connections; requests under way are aborted. */
  close(): Promise<void>;
}
