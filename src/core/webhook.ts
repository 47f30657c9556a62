/** The port to webhooks, and the addresses that may be given to the service. */
import { isLoopbackHost } from './untrusted-text.ts';

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

export const WEBHOOK_URL_MAX_CHARACTERS = 2_000;

/**
 * The URL in normal form; `undefined` for one that the service must not be given: without encryption beyond this
 * machine, without a path that distinguishes events from other requests, with a password, with a fragment.
 */
export function webhookUrlOf(text: string): string | undefined {
  const url = text.length <= WEBHOOK_URL_MAX_CHARACTERS && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return undefined;
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
  const plain = url.username === '' && url.password === '' && !url.href.includes('#');
  return secure && plain && url.pathname !== '/' ? url.href : undefined;
}

/** Whether events for `url` arrive at the listener for `own`. A query does not matter. */
export function leadsTo(own: string | undefined, url: string | undefined): boolean {
  if (own === undefined || url === undefined || !URL.canParse(url)) return false;
  const [one, other] = [new URL(own), new URL(url)];
  return one.origin === other.origin && one.pathname === other.pathname;
}
