// Owns the webhooks of the sandbox: which end of a job is announced when and how often, signed, and how that went.

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Job } from './job.ts';
import type { Orders } from './orders.ts';
import { type Scenarios, sendsWebhooks } from './scenarios.ts';

export const SIGNATURE_HEADER = 'X-Doitong-Signature';

export function signWebhook(body: string | Uint8Array, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

export type WebhooksDeps = {
  now: () => number;
  /** May end early; rejects when the signal is aborted. */
  sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  secret: string;
  scenarios: Scenarios;
  describe: Orders['describe'];
};

export function createWebhooks({ now, sleep, secret, scenarios, describe }: WebhooksDeps) {
  const pending: Promise<void>[] = [];
  /** `at` by the sandbox's clock. */
  const deliveries: ({ jobId: string; url: string; at: number } & Delivery)[] = [];
  const closing = new AbortController();
  const { signal } = closing;

  async function announce(job: Job, url: string): Promise<void> {
    const dueAtMs = job.endsAtMs + (scenarios.has('webhooks-late') ? 60_000 : 0);
    while (now() < dueAtMs) await sleep(dueAtMs - now(), signal);
    const forged = scenarios.has('webhooks-forged') && { url: `https://forged.example/outputs/${job.id}.jpg` };
    const body = JSON.stringify({ ...documentedBody(job), ...forged });
    const signature = signWebhook(body, forged ? `not ${secret}` : secret);
    const headers = { 'Content-Type': 'application/json', [SIGNATURE_HEADER]: signature };
    const times = scenarios.has('webhooks-twice') ? 2 : 1;
    for (let time = 0; time < times && !signal.aborted; time++) {
      const at = now();
      const result = await postWebhook({ url, body, headers, timeoutMs: 5_000, signal });
      deliveries.push({ jobId: job.id, url, at, ...result });
    }
  }

  function documentedBody(job: Job) {
    const { id, status, url, service, createdAt, metadata } = describe(job);
    const reported = { ...metadata, version: undefined, quality: undefined };
    const completedAt = new Date(job.endsAtMs).toISOString();
    return { id, status, url, service, createdAt, completedAt, metadata: reported };
  }

  return {
    /** A job that never ends is never announced. */
    expect(job: Job): void {
      const url = job.submission.webhookUrl;
      if (!sendsWebhooks(scenarios) || url === undefined || job.ending === 'never') return;
      // Only the end of the sandbox makes this fail.
      pending.push(announce(job, url).catch(() => undefined));
    },

    /** Those that have got an answer, or never will, oldest first. */
    list: () => structuredClone(deliveries),

    /** Ends what is under way; nothing is sent afterwards. */
    async close(): Promise<void> {
      closing.abort();
      await Promise.all(pending);
    },
  };
}

/** `httpStatus` is 0 when no answer came, and `problem` says why. */
type Delivery = { httpStatus: number; problem?: string };

type Post = {
  url: string;
  body: string;
  headers: Readonly<Record<string, string>>;
  /** For connection and answer. */
  timeoutMs: number;
  signal: AbortSignal;
};

/** A URL has one form of a numeric host only. */
const LOOPBACK_ORIGIN = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/;

/** To this machine only: a sandbox never calls out into the world. Redirects are not followed. Never throws. */
export async function postWebhook({ url, body, headers, timeoutMs, signal }: Post): Promise<Delivery> {
  const { protocol, origin } = new URL(url);
  if (!LOOPBACK_ORIGIN.test(origin))
    return { httpStatus: 0, problem: 'not sent: only http and https addresses of loopback hosts are' };
  const request = protocol === 'https:' ? httpsRequest : httpRequest;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const options = { method: 'POST', headers, agent: false, signal: AbortSignal.any([signal, timeout]) };
    const outgoing = request(url, options).end(body);
    const [response] = await Promise.race([once(outgoing, 'response'), once(outgoing, 'close')]);
    if (response === undefined) return { httpStatus: 0, problem: 'closed without an answer' };
    // Read to its end, so that the listener sees no broken connection; what breaks from now on changes nothing.
    response.on('error', () => {}).resume();
    return { httpStatus: response.statusCode };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A code where there is one: a name with several addresses fails with an empty message.
    const reason = timeout.aborted ? `no answer within ${timeoutMs} ms` : (code ?? message);
    return { httpStatus: 0, problem: signal.aborted ? 'the sandbox was closed' : reason };
  }
}
