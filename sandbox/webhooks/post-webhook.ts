// Owns the delivery of one webhook over HTTP, and how it went; it never throws.

import { request as httpRequest, type RequestOptions } from 'node:http';
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

/** Redirects are not followed. */
export async function postWebhook({ url, body, headers, timeoutMs, signal }: Post): Promise<PostResult> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
    agent: false,
    signal: AbortSignal.any([signal, timeout]),
  };
  try {
    const target = new URL(url);
    const refusal = refusalOfTarget(target);
    if (refusal !== undefined) return { httpStatus: 0, problem: refusal };
    return { httpStatus: await send(target, options, body) };
  } catch (error) {
    if (signal.aborted) return { httpStatus: 0, problem: 'the sandbox was closed' };
    if (timeout.aborted) return { httpStatus: 0, problem: `no answer within ${timeoutMs} ms` };
    return { httpStatus: 0, problem: reasonOf(error) };
  }
}

function send(url: URL, options: RequestOptions, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = request(url, options);
    let status = 0;
    outgoing.on('response', (response) => {
      status = response.statusCode ?? 0;
      // Read to its end, so that the listener sees no broken connection; what breaks from now on changes nothing.
      response.on('error', () => {});
      response.resume();
    });
    outgoing.on('error', (error) => status === 0 && reject(error));
    outgoing.on('close', () => (status > 0 ? resolve(status) : reject(new Error('closed without an answer'))));
    outgoing.end(body);
  });
}

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** This machine only, so that a sandbox never calls out into the world. URLs have one form of a numeric host only. */
function refusalOfTarget({ protocol, hostname }: URL): string | undefined {
  if (protocol !== 'http:' && protocol !== 'https:') return 'not sent: only http and https are';
  return LOOPBACK_HOST.test(hostname) ? undefined : 'not sent: the sandbox posts to loopback hosts only';
}

/** A code where there is one: a name with several addresses fails with an empty message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}
