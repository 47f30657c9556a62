/** The taxonomy of everything that can go wrong: its kind, what it may have cost, and whether trying again helps. */
import * as z from 'zod';
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
  'interrupted',
  'download_failed',
  'storage_failed',
  'unsupported_service',
] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** What is known of a failure, and recorded with a job. */
export const failureSchema = z
  .object({
    kind: z.enum(FAILURE_KINDS),
    reason: z.custom<Reason>((stored) => z.looseObject({ code: z.string() }).safeParse(stored).success).optional(),
    message: z.string().optional(),
    remedy: z.string().optional(),
    /** Whether credits left the account: `maybe` until the service has answered for this very job. */
    creditsSpent: z.enum(['no', 'maybe', 'yes']),
    /**
     * Does repeating the call help?
     * `no`: never as it stands. `later`: yes, after `retryAfterSeconds` where known.
     * `same_job`: only for this job, under its own idempotency key; a new job could be charged again.
     */
    retry: z.enum(['no', 'later', 'same_job']),
    /** Seconds to wait before trying again, when the service or a window told. */
    retryAfterSeconds: z.number().optional(),
    httpStatus: z.number().optional(),
    creditsRequired: z.number().optional(),
    /** The balance that the service reported, in credits. */
    creditsAvailable: z.number().optional(),
  })
  // Earlier versions kept a message and a remedy in place of the reason.
  .transform(({ message = '', remedy, reason, ...failure }) => {
    const worded: Reason = { code: 'worded', what: message, ...(remedy !== undefined && { next: remedy }) };
    return { ...failure, reason: reason ?? worded };
  });
export type Failure = z.infer<typeof failureSchema>;
export type CreditsSpent = Failure['creditsSpent'];

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

/** The failure inside an error; what nobody foresaw becomes a `service_error` that names its class. */
export function failureOf(
  error: unknown,
  during: 'order' | 'read' | 'save',
  unforeseen: Pick<Failure, 'creditsSpent' | 'retry'>,
): Failure {
  if (error instanceof FluxError) return error.failure;
  const name = error instanceof Error ? error.name : typeof error;
  return { kind: 'service_error', reason: { code: 'unforeseen', during, error: name }, ...unforeseen };
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
