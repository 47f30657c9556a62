/** The address that the service posts to when a job ends: which ones it may be given, and which of them lead here. */
import { isLoopbackHost } from './hosts.ts';

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
