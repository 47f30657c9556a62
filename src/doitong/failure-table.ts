/** The failure table of the wire as data: which answer or fault means what. docs/errors.md is generated from it. */
import type { CreditsSpent, FailureKind, RetryAdvice } from '../core/failure.ts';

export type FailureRow = {
  /** When it applies, for people. */
  when: string;
  /** HTTP statuses, each a figure or a range, both ends included. */
  statuses: readonly (number | readonly [number, number])[];
  /** Values of `extensions.code`. A known code decides over the status. */
  codes: readonly string[];
  kind: FailureKind;
  creditsSpent: CreditsSpent;
  /** Whether repeating the call helps, once our own tries are used up. */
  retry: RetryAdvice;
  /** Whether the client tries again by itself, under the same idempotency key. */
  repeated: boolean;
};

/** Rows for submissions. Reading a job costs nothing and tells nothing of its credits: see `readingFailure`. */
export const FAILURE_TABLE = {
  invalidRequest: {
    when: 'HTTP 400 or 422: invalid parameters or malformed request',
    statuses: [400, 422],
    codes: ['BAD_USER_INPUT', 'BAD_REQUEST', 'INVALID_INPUT', 'INVALID_ARGUMENT', 'VALIDATION_ERROR'],
    kind: 'bad_input',
    creditsSpent: 'no',
    retry: 'no',
    repeated: false,
  },
  tooLarge: {
    when: 'HTTP 413: the request is too large',
    statuses: [413],
    codes: ['PAYLOAD_TOO_LARGE'],
    kind: 'bad_input',
    creditsSpent: 'no',
    retry: 'no',
    repeated: false,
  },
  badKey: {
    when: 'HTTP 401 or 403: missing or invalid key, or a key without permission',
    statuses: [401, 403],
    codes: ['UNAUTHENTICATED', 'UNAUTHORIZED', 'FORBIDDEN', 'INVALID_API_KEY'],
    kind: 'bad_key',
    creditsSpent: 'no',
    retry: 'no',
    repeated: false,
  },
  noCredits: {
    when: 'HTTP 402: insufficient credits',
    statuses: [402],
    codes: ['INSUFFICIENT_CREDITS', 'PAYMENT_REQUIRED'],
    kind: 'no_credits',
    creditsSpent: 'no',
    retry: 'no',
    repeated: false,
  },
  moderated: {
    when: 'the order was refused by moderation',
    statuses: [],
    codes: ['MODERATED', 'CONTENT_MODERATED', 'CONTENT_POLICY_VIOLATION', 'MODERATION_FAILED'],
    kind: 'moderated',
    creditsSpent: 'no',
    retry: 'no',
    repeated: false,
  },
  rateLimited: {
    when: 'HTTP 429: rate limit exceeded',
    statuses: [429],
    codes: ['RATE_LIMITED', 'RATE_LIMIT_EXCEEDED', 'TOO_MANY_REQUESTS'],
    kind: 'rate_limited',
    creditsSpent: 'no',
    retry: 'later',
    repeated: true,
  },
  jobLimited: {
    when: 'too many jobs at a time or today; asking for the status of jobs stays possible',
    statuses: [],
    codes: ['CONCURRENT_LIMIT_EXCEEDED', 'DAILY_LIMIT_EXCEEDED'],
    kind: 'rate_limited',
    creditsSpent: 'no',
    retry: 'later',
    repeated: true,
  },
  notOffered: {
    when: 'HTTP 404, 405, 406 or 415, or a GraphQL validation error that dropping fields does not cure',
    statuses: [404, 405, 406, 415],
    codes: ['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED'],
    kind: 'unsupported_service',
    creditsSpent: 'no',
    retry: 'no',
    repeated: false,
  },
  movedElsewhere: {
    when: 'HTTP 301, 307 or 308: a redirect of the whole request; never followed, because the key would go along',
    statuses: [301, 307, 308],
    codes: [],
    kind: 'unsupported_service',
    creditsSpent: 'no',
    retry: 'no',
    repeated: false,
  },
  redirected: {
    when: 'any other HTTP 3xx: a redirect that may follow on an order that was carried out; never followed',
    statuses: [[300, 399]],
    codes: [],
    kind: 'unsupported_service',
    creditsSpent: 'maybe',
    retry: 'same_job',
    repeated: false,
  },
  conflict: {
    when: 'HTTP 408 or 409: the request timed out there, or its idempotency key is in use',
    statuses: [408, 409],
    codes: ['CONFLICT', 'IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_KEY_IN_USE', 'REQUEST_IN_PROGRESS'],
    kind: 'ambiguous',
    creditsSpent: 'maybe',
    retry: 'same_job',
    repeated: true,
  },
  keyReused: {
    when: 'the idempotency key belongs to another request there',
    statuses: [],
    codes: ['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_MISMATCH'],
    kind: 'ambiguous',
    creditsSpent: 'maybe',
    retry: 'same_job',
    repeated: false,
  },
  serviceError: {
    when: 'HTTP 5xx: server error',
    statuses: [[500, 599]],
    codes: ['INTERNAL_SERVER_ERROR', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE', 'TIMEOUT'],
    kind: 'service_error',
    creditsSpent: 'maybe',
    retry: 'same_job',
    repeated: true,
  },
  otherRefusal: {
    when: 'any other HTTP 4xx',
    statuses: [[400, 499]],
    codes: [],
    kind: 'service_error',
    creditsSpent: 'maybe',
    retry: 'same_job',
    repeated: false,
  },
  errorWithoutCode: {
    when: 'HTTP 2xx with errors of no known code and without a job',
    statuses: [],
    codes: [],
    kind: 'service_error',
    creditsSpent: 'maybe',
    retry: 'same_job',
    repeated: true,
  },
  unreadable: {
    when: 'HTTP 2xx with an answer that cannot be read or holds no job',
    statuses: [[200, 299]],
    codes: [],
    kind: 'ambiguous',
    creditsSpent: 'maybe',
    retry: 'same_job',
    repeated: true,
  },
  unknownJob: {
    when: 'reading a job that the service does not know (a null job, or `NOT_FOUND`)',
    statuses: [],
    codes: ['NOT_FOUND', 'JOB_NOT_FOUND'],
    kind: 'service_error',
    creditsSpent: 'maybe',
    retry: 'later',
    repeated: false,
  },
  noJobQuery: {
    when: 'no way to ask for a job was found',
    statuses: [],
    codes: [],
    kind: 'unsupported_service',
    creditsSpent: 'maybe',
    retry: 'no',
    repeated: false,
  },
  paused: {
    when: 'held back here: the service asked for silence for longer than a caller waits',
    statuses: [],
    codes: [],
    kind: 'rate_limited',
    creditsSpent: 'no',
    retry: 'later',
    repeated: false,
  },
  notSent: {
    when: 'no connection: nothing was sent',
    statuses: [],
    codes: [],
    kind: 'unreachable',
    creditsSpent: 'no',
    retry: 'later',
    repeated: true,
  },
  blocked: {
    when: 'no connection until somebody changes something: a certificate that is not trusted, a proxy that refuses; nothing was sent',
    statuses: [],
    codes: [],
    kind: 'unreachable',
    creditsSpent: 'no',
    retry: 'no',
    repeated: false,
  },
  lost: {
    when: 'the connection broke, or no answer came in time, after the request was sent',
    statuses: [],
    codes: [],
    kind: 'ambiguous',
    creditsSpent: 'maybe',
    retry: 'same_job',
    repeated: true,
  },
} as const satisfies Record<string, FailureRow>;

export type FailureRowName = keyof typeof FAILURE_TABLE;

/** Jobs that the service ended without a picture: whether they keep their price is not documented. */
export const JOB_FAILURE_TABLE = {
  moderated: {
    when: 'the job ended as `moderated` or `rejected`',
    statuses: ['moderated', 'rejected'],
    kind: 'moderated',
    creditsSpent: 'maybe',
    retry: 'no',
  },
  failed: {
    when: 'the job ended as `failed`, `error`, `canceled` or `expired`',
    statuses: ['failed', 'error', 'canceled', 'cancelled', 'expired'],
    kind: 'generation_failed',
    creditsSpent: 'maybe',
    retry: 'later',
  },
} as const satisfies Record<
  string,
  { when: string; statuses: readonly string[]; kind: FailureKind; creditsSpent: CreditsSpent; retry: RetryAdvice }
>;
