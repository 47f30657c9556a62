// Owns the webhooks of the sandbox: which end of a job is announced when and how often, signed, and how that went.

import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Job } from './job.ts';
import type { JobView } from './job-view.ts';
import type { Traits } from './scenarios/scenarios.ts';

export const SIGNATURE_HEADER = 'X-Doitong-Signature';

export function signWebhook(body: string | Uint8Array, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

export type WebhookDelivery = PostResult & {
  jobId: string;
  url: string;
  /** When it was sent, in epoch milliseconds of the sandbox's clock. */
  at: number;
};

export type WebhooksDeps = {
  now: () => number;
  /** May end early; rejects when the signal is aborted. */
  sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  secret: string;
  traits: Traits;
  view: JobView;
};

/** How long a listener may take. */
const TIMEOUT_MS = 5_000;
const FORGED_ORIGIN = 'https://forged.example';

export class Webhooks {
  private readonly pending = new Set<Promise<void>>();
  private readonly deliveries: WebhookDelivery[] = [];
  private readonly closing = new AbortController();

  constructor(private readonly deps: WebhooksDeps) {}

  /** A job that never ends is never announced. */
  expect(job: Job): void {
    const url = job.submission.webhookUrl;
    if (!this.deps.traits.webhooks || url === undefined || job.ending === 'never') return;
    const announced = this.announce(job, url)
      // Only the end of the sandbox makes this fail.
      .catch(() => undefined)
      .finally(() => this.pending.delete(announced));
    this.pending.add(announced);
  }

  /** Those that have got an answer, or never will, oldest first. */
  list(): WebhookDelivery[] {
    return this.deliveries.map((delivery) => ({ ...delivery }));
  }

  /** Ends what is under way; nothing is sent afterwards. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all(this.pending);
  }

  private async announce(job: Job, url: string): Promise<void> {
    const { now, sleep, secret, traits, view } = this.deps;
    const { signal } = this.closing;
    const dueAtMs = job.endsAtMs + traits.webhookDelayMs;
    while (now() < dueAtMs) await sleep(dueAtMs - now(), signal);
    const isForged = traits.webhooksForged;
    const forgedUrl = `${FORGED_ORIGIN}/outputs/${job.id}.jpg`;
    const body = JSON.stringify({ ...view.announce(job), ...(isForged && { url: forgedUrl }) });
    const signature = signWebhook(body, isForged ? `not ${secret}` : secret);
    const headers = { 'Content-Type': 'application/json', [SIGNATURE_HEADER]: signature };
    for (let time = 0; time < traits.webhookTimes && !signal.aborted; time++) {
      const at = now();
      const result = await postWebhook({ url, body, headers, timeoutMs: TIMEOUT_MS, signal });
      this.deliveries.push({ jobId: job.id, url, at, ...result });
    }
  }
}

/** `httpStatus` is 0 when no answer came; `problem` says why then. */
type PostResult = { httpStatus: number; problem?: string };

export type Post = {
  url: string;
  body: string;
  headers: Readonly<Record<string, string>>;
  /** For connection and answer together. */
  timeoutMs: number;
  signal: AbortSignal;
};

/** A URL has one form of a numeric host only. */
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** To this machine only: a sandbox never calls out into the world. Redirects are not followed. Never throws. */
export async function postWebhook(post: Post): Promise<PostResult> {
  const { protocol, hostname } = new URL(post.url);
  if (protocol !== 'http:' && protocol !== 'https:')
    return { httpStatus: 0, problem: 'not sent: only http and https are' };
  if (!LOOPBACK_HOST.test(hostname))
    return { httpStatus: 0, problem: 'not sent: the sandbox posts to loopback hosts only' };
  const timeout = AbortSignal.timeout(post.timeoutMs);
  try {
    return { httpStatus: await send(post, AbortSignal.any([post.signal, timeout])) };
  } catch (error) {
    if (post.signal.aborted) return { httpStatus: 0, problem: 'the sandbox was closed' };
    if (timeout.aborted) return { httpStatus: 0, problem: `no answer within ${post.timeoutMs} ms` };
    // A code where there is one: a name with several addresses fails with an empty message.
    const { code, message } = error as NodeJS.ErrnoException;
    return { httpStatus: 0, problem: code ?? message };
  }
}

function send({ url, body, headers }: Post, signal: AbortSignal): Promise<number> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const length = String(Buffer.byteLength(body));
    const outgoing = request(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Length': length },
      agent: false,
      signal,
    });
    outgoing.on('response', (response) => {
      // Read to its end, so that the listener sees no broken connection; what breaks from now on changes nothing.
      response.on('error', () => {}).resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on('error', reject).on('close', () => reject(new Error('closed without an answer')));
    outgoing.end(body);
  });
}
