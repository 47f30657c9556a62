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
  secret: string;
  traits: Traits;
  view: JobView;
  /** How long a listener may take; default 5 seconds of real time. */
  timeoutMs?: number;
};

type Pending = { job: Job; url: string; dueAtMs: number };

/** How often the clock is looked at while webhooks are pending: it may be a test's own, which no timer knows. */
const CHECK_MS = 20;
const TIMEOUT_MS = 5_000;
const KEPT_DELIVERIES = 5_000;
const FORGED_ORIGIN = 'https://forged.example';

export class Webhooks {
  private readonly pending = new Set<Pending>();
  private readonly inFlight = new Set<Promise<void>>();
  private readonly deliveries: WebhookDelivery[] = [];
  private readonly closing = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly deps: WebhooksDeps) {}

  /** A job that never ends is never announced. */
  expect(job: Job): void {
    const { traits } = this.deps;
    const url = job.submission.webhookUrl;
    if (!traits.webhooks || url === undefined || job.ending === 'never' || this.closing.signal.aborted) return;
    this.pending.add({ job, url, dueAtMs: job.endsAtMs + traits.webhookDelayMs });
    this.timer ??= setInterval(() => this.sendDue(), CHECK_MS).unref();
  }

  /** Those that have got an answer, or never will, oldest first. */
  list(): WebhookDelivery[] {
    return this.deliveries.map((delivery) => ({ ...delivery }));
  }

  /** Ends what is under way; nothing is sent afterwards. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    this.pending.clear();
    this.closing.abort();
    await Promise.all(this.inFlight);
  }

  private sendDue(): void {
    const now = this.deps.now();
    for (const one of this.pending) {
      if (now < one.dueAtMs) continue;
      this.pending.delete(one);
      const sending = this.send(one).finally(() => this.inFlight.delete(sending));
      this.inFlight.add(sending);
    }
    if (this.pending.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async send({ job, url }: Pending): Promise<void> {
    const { now, traits, timeoutMs = TIMEOUT_MS } = this.deps;
    const { body, signature } = this.compose(job);
    const headers = { 'Content-Type': 'application/json', [SIGNATURE_HEADER]: signature };
    for (let time = 0; time < traits.webhookTimes && !this.closing.signal.aborted; time++) {
      const at = now();
      const result = await postWebhook({ url, body, headers, timeoutMs, signal: this.closing.signal });
      this.deliveries.push({ jobId: job.id, url, at, ...result });
      if (this.deliveries.length > KEPT_DELIVERIES) this.deliveries.shift();
    }
  }

  private compose(job: Job): { body: string; signature: string } {
    const { secret, traits, view } = this.deps;
    const truth = view.announce(job);
    if (!traits.webhooksForged) {
      const body = JSON.stringify(truth);
      return { body, signature: signWebhook(body, secret) };
    }
    const body = JSON.stringify({ ...truth, url: `${FORGED_ORIGIN}/outputs/${job.id}.jpg` });
    return { body, signature: signWebhook(body, `not ${secret}`) };
  }
}
