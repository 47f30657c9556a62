/** The failure table of the wire as data: which answer or fault means what. docs/errors.md is generated from it. */
import type { CreditsSpent, Failure, FailureKind } from '../core/failure.ts';
import type { ServiceAnswer } from '../core/reasons.ts';

export type FailureRow = {
  statuses: readonly number[];
  /** Any other status of this class: 4 for 4xx. */
  statusClass?: number;
  /** Values of `extensions.code`. A known code decides over the status. */
  codes: readonly string[];
  kind: FailureKind;
  creditsSpent: CreditsSpent;
  /** Whether repeating the call helps, once our own tries are used up. */
  retry: Failure['retry'];
  /** Whether the client tries again by itself, under the same idempotency key. */
  repeated: boolean;
};

const NOTHING = { statuses: [], codes: [] };
/** Nothing was executed, and the same request would be refused again. */
const REFUSED = { ...NOTHING, creditsSpent: 'no', retry: 'no', repeated: false } as const;
/** Nothing was executed, and the same request may be taken later. */
const NOT_NOW = { ...NOTHING, creditsSpent: 'no', retry: 'later', repeated: true } as const;
/** It may have been carried out. */
const OPEN = { ...NOTHING, creditsSpent: 'maybe', retry: 'same_job', repeated: true } as const;
/** It may have been carried out, and the answer would be the same again. */
const OPEN_FOR_GOOD = { ...OPEN, repeated: false } as const;

/** Rows for submissions. Reading a job costs nothing and says nothing about its credits: see `readingFailure`. */
export const FAILURE_TABLE: Readonly<Record<ServiceAnswer, FailureRow>> = {
  invalidRequest: {
    ...REFUSED,
    statuses: [400, 422],
    codes: ['BAD_USER_INPUT', 'BAD_REQUEST', 'INVALID_INPUT', 'INVALID_ARGUMENT', 'VALIDATION_ERROR'],
    kind: 'bad_input',
  },
  tooLarge: { ...REFUSED, statuses: [413], codes: ['PAYLOAD_TOO_LARGE'], kind: 'bad_input' },
  /** Missing or invalid, or without permission. */
  badKey: {
    ...REFUSED,
    statuses: [401, 403],
    codes: ['UNAUTHENTICATED', 'UNAUTHORIZED', 'FORBIDDEN', 'INVALID_API_KEY'],
    kind: 'bad_key',
  },
  noCredits: { ...REFUSED, statuses: [402], codes: ['INSUFFICIENT_CREDITS', 'PAYMENT_REQUIRED'], kind: 'no_credits' },
  moderated: {
    ...REFUSED,
    codes: ['MODERATED', 'CONTENT_MODERATED', 'CONTENT_POLICY_VIOLATION', 'MODERATION_FAILED'],
    kind: 'moderated',
  },
  rateLimited: {
    ...NOT_NOW,
    statuses: [429],
    codes: ['RATE_LIMITED', 'RATE_LIMIT_EXCEEDED', 'TOO_MANY_REQUESTS'],
    kind: 'rate_limited',
  },
  /** Asking for the status of jobs stays possible. */
  jobLimited: { ...NOT_NOW, codes: ['CONCURRENT_LIMIT_EXCEEDED', 'DAILY_LIMIT_EXCEEDED'], kind: 'rate_limited' },
  /** Also a GraphQL validation error that leaving out fields does not cure. */
  notOffered: {
    ...REFUSED,
    statuses: [404, 405, 406, 415],
    codes: ['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED'],
    kind: 'unsupported_service',
  },
  /** A redirect of the whole request; never followed, because the key would go along. */
  movedElsewhere: { ...REFUSED, statuses: [301, 307, 308], kind: 'unsupported_service' },
  /** A redirect that may follow on an order that was carried out; never followed. */
  redirected: { ...OPEN_FOR_GOOD, statusClass: 3, kind: 'unsupported_service' },
  /** The request timed out there, or its idempotency key is in use. */
  conflict: {
    ...OPEN,
    statuses: [408, 409],
    codes: ['CONFLICT', 'IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_KEY_IN_USE', 'REQUEST_IN_PROGRESS'],
    kind: 'ambiguous',
  },
  keyReused: { ...OPEN_FOR_GOOD, codes: ['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_MISMATCH'], kind: 'ambiguous' },
  serviceError: {
    ...OPEN,
    statusClass: 5,
    codes: ['INTERNAL_SERVER_ERROR', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE', 'TIMEOUT'],
    kind: 'service_error',
  },
  otherRefusal: { ...OPEN_FOR_GOOD, statusClass: 4, kind: 'service_error' },
  /** HTTP 2xx with errors of no known code and without a job. */
  errorWithoutCode: { ...OPEN, kind: 'service_error' },
  /** Not JSON, or without a job. */
  unreadable: { ...OPEN, statusClass: 2, kind: 'ambiguous' },
  /** A status read that is answered with a null job, or so. */
  unknownJob: { ...OPEN_FOR_GOOD, codes: ['NOT_FOUND', 'JOB_NOT_FOUND'], kind: 'service_error', retry: 'later' },
  noJobQuery: { ...OPEN_FOR_GOOD, kind: 'unsupported_service', retry: 'no' },
  /** Held back here, for longer than a caller waits. */
  paused: { ...NOT_NOW, kind: 'rate_limited', repeated: false },
  notSent: { ...NOT_NOW, kind: 'unreachable' },
  /** No connection until somebody changes something: a certificate that is not trusted, a proxy that refuses. */
  blocked: { ...REFUSED, kind: 'unreachable' },
  /** The connection broke, or no answer came in time, after the request was sent. */
  lost: { ...OPEN, kind: 'ambiguous' },
};

/**
 * Jobs that the service ended without a picture, by its words for that; `PHASES` in wire-values.ts has all words. Whether
 * such jobs keep their price is not documented.
 */
export const JOB_FAILURE_TABLE: Readonly<
  Record<'moderated' | 'failed', { words: readonly string[]; kind: FailureKind; retry: Failure['retry'] }>
> = {
  moderated: { words: ['moderated', 'rejected'], kind: 'moderated', retry: 'no' },
  failed: { words: ['failed', 'error', 'canceled', 'cancelled', 'expired'], kind: 'generation_failed', retry: 'later' },
};
