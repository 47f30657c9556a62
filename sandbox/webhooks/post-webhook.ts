// Owns the delivery of one webhook over HTTP, and how it went; it never throws.

import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** `httpStatus` is 0 when no answer came; `problem` says why then. */
export type PostResult = { httpStatus: number; problem?: string };

export type Post = {
  url: string;
  body: string;
  headers: Readonly<Record<string, string>>;
  /** For connection and answer together. */
  timeoutMs: number;
  signal: AbortSignal;
};

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** To this machine only: a sandbox never calls out into the world. Redirects are not followed. */
export async function postWebhook(post: Post): Promise<PostResult> {
  const timeout = AbortSignal.timeout(post.timeoutMs);
  try {
    const url = new URL(post.url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      return { httpStatus: 0, problem: 'not sent: only http and https are' };
    // A URL has one form of a numeric host only.
    if (!LOOPBACK_HOST.test(url.hostname))
      return { httpStatus: 0, problem: 'not sent: the sandbox posts to loopback hosts only' };
    return { httpStatus: await send(url, post, AbortSignal.any([post.signal, timeout])) };
  } catch (error) {
    if (post.signal.aborted) return { httpStatus: 0, problem: 'the sandbox was closed' };
    if (timeout.aborted) return { httpStatus: 0, problem: `no answer within ${post.timeoutMs} ms` };
    // A code where there is one: a name with several addresses fails with an empty message.
    const problem = error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error);
    return { httpStatus: 0, problem };
  }
}

async function send(url: URL, { body, headers }: Post, signal: AbortSignal): Promise<number> {
  const length = String(Buffer.byteLength(body));
  const options = { method: 'POST', headers: { ...headers, 'Content-Length': length }, agent: false, signal };
  const outgoing = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
  const closed = once(outgoing, 'close').then(() => Promise.reject(new Error('closed without an answer')));
  outgoing.end(body);
  const [response] = (await Promise.race([once(outgoing, 'response'), closed])) as [IncomingMessage];
  // Read to its end, so that the listener sees no broken connection; what breaks from now on changes nothing.
  response.on('error', () => {}).resume();
  await closed.catch(() => undefined);
  return response.statusCode ?? 0;
}
