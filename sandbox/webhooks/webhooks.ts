// Owns the webhooks of the sandbox: which end of a job is announced when, how often and with which signature.

import type { Job } from '../job.ts';
import type { JobView } from '../job-view.ts';
import type { Traits } from '../scenarios/traits.ts';
import { type PostResult, postWebhook } from './post-webhook.ts';
import { SIGNATURE_HEADER, signWebhook } from './signature.ts';

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
const KEPT_DELIVERIES = 5_000;
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
      if (this.deliveries.length > KEPT_DELIVERIES) this.deliveries.shift();
    }
  }
}
