/** The ports to time, the log, unique names, processes and webhooks, and the parts that a result can be made of. */
import * as z from 'zod';

export interface Clock {
  /** Wall time in epoch milliseconds. It may jump; use it for records and for comparing with remote times. */
  now(): number;
  /** Milliseconds from an arbitrary start that never goes backwards; use it for durations and deadlines. */
  monotonic(): number;
  /** A number in [0, 1), for jitter. */
  random(): number;
  /**
   * Resolves after `delayMs`; rejects with `signal.reason` as soon as `signal` is aborted.
   * A pending sleep never keeps the process alive.
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** A signal that is aborted with a `TimeoutError` after `timeoutMs`, and the way to take the timer back. */
  deadline(timeoutMs: number): { signal: AbortSignal; clear: () => void };
}

/** Now, in epoch milliseconds: by this machine's clock, which somebody may set, and by the service's, where it is known. */
export type Times = { here: number; there?: number | undefined };

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export type Log = Record<Exclude<LogLevel, 'silent'>, (message: string, fields?: LogFields) => void>;

export interface Ids {
  /** Makes the ids of one call, from the highest down: listed that way, the newest call is first, its jobs in order. */
  jobIds(at: number): () => string;
  idempotencyKey(): string;
}

export const ownerSchema = z.object({ pid: z.number(), host: z.string(), session: z.string() });

/**
 * The process that advances a job. `session` alone tells it from others: numbers repeat after a restart, and in
 * containers host names do as well; they help people who look for it.
 */
export type Owner = z.infer<typeof ownerSchema>;

/** Which processes are at work, by signs of life that only they themselves give. */
export interface Liveness {
  readonly self: Owner;
  /**
   * From now on others see that this process lives.
   * @returns ends that, once no other caller of this process needs it
   * @throws when that cannot be shown
   */
  begin(): Promise<() => void>;
  /** `silent`: it has ended, or has shown nothing for 10 s during which this process watched. Never rejects. */
  stateOf(owner: Owner): Promise<'alive' | 'silent'>;
  /** Others see that this process has ended. Never rejects. */
  close(): Promise<void>;
}

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

export type WebhookSink = (raw: RawWebhook) => Promise<WebhookResult>;

/** `structured` is the machine-readable object; the text is always complete without it. */
export const RESULT_CONTENT = ['text', 'image', 'link', 'structured'] as const;
export type ResultPart = (typeof RESULT_CONTENT)[number];
