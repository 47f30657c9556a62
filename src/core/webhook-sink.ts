/** The port between the webhook listener and the code that verifies events: a raw request in, a bare status out. */

/** Bytes. The listener reads at most one byte more, so that the sink sees that there was too much. */
export const WEBHOOK_BODY_MAX_BYTES = 65_536;

/** A request as it arrived: the signature covers the raw body, which parsing would lose. */
export type RawWebhook = {
  method: string;
  /** The request's target, with its query. */
  path: string;
  /** Names and values in turn, so that a header that was sent twice is there twice. */
  headers: readonly string[];
  /** At most `WEBHOOK_BODY_MAX_BYTES` + 1 bytes. */
  body: Uint8Array;
};

/**
 * The status to answer with, and nothing else: whoever tries signatures learns only that one did not fit.
 * 200: signed by the service, and used or ignored. 401: not signed by it. 404: wrong path, or not an event.
 * 413: too large. 503: a true event that could not be kept, which the service may send again.
 */
export type WebhookResult = 200 | 401 | 404 | 413 | 503;

export interface WebhookSink {
  /** Never rejects. */
  accept(raw: RawWebhook): Promise<WebhookResult>;
}
