/** The taxonomy of everything that can go wrong: its kind, what it may have cost, and whether trying again helps. */
import type { Reason } from './reasons.ts';

export const FAILURE_KINDS = [
  'bad_input',
  'bad_key',
  'no_credits',
  'over_budget',
  'not_confirmed',
  'rate_limited',
  'service_error',
  'unreachable',
  'ambiguous',
  'moderated',
  'generation_failed',
  'download_failed',
  'storage_failed',
  'unsupported_service',
] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** Whether credits left the account: `maybe` until the service has answered for this very job. */
export type CreditsSpent = 'no' | 'maybe' | 'yes';

/**
 * Does repeating the call help?
 * `no`: never as it stands. `later`: yes, after `retryAfterSeconds` where known.
 * `same_job`: only for this job, under its own idempotency key; a new job could be charged again.
 */
export type RetryAdvice = 'no' | 'later' | 'same_job';

export type Failure = {
  kind: FailureKind;
  /** What happened, as facts. */
  reason: Reason;
  creditsSpent: CreditsSpent;
  retry: RetryAdvice;
  /** Seconds to wait before trying again, when the service or a window told. */
  retryAfterSeconds?: number;
  /** HTTP status of the answer, when there was one. */
  httpStatus?: number;
  creditsRequired?: number;
  /** The balance that the service told, in credits. */
  creditsAvailable?: number;
};

/** A `Failure` on its way up. Everything that reads failures takes the `failure` field, never the stack. */
export class FluxError extends Error {
  override readonly name = 'FluxError';
  constructor(
    readonly failure: Failure,
    options?: ErrorOptions,
  ) {
    super(failure.reason.code, options);
  }
}

/** The failure inside an error; what nobody foresaw becomes a `service_error` of unknown cost. */
export function failureOf(error: unknown, unforeseen: Omit<Failure, 'kind'>): Failure {
  if (error instanceof FluxError) return error.failure;
  return { kind: 'service_error', ...unforeseen };
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
