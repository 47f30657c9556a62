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
  /** What happened, as the beginning of a sentence. */
  what: string;
  remedy?: string;
};

const NOTHING = { statuses: [], codes: [] } as const;
/** Nothing was executed, and the same request would be refused again. */
const REFUSED = { ...NOTHING, creditsSpent: 'no', retry: 'no', repeated: false } as const;
/** Nothing was executed, and the same request may be taken later. */
const NOT_NOW = { ...NOTHING, creditsSpent: 'no', retry: 'later', repeated: true } as const;
/** It may have been carried out. */
const OPEN = { ...NOTHING, creditsSpent: 'maybe', retry: 'same_job', repeated: true } as const;
/** It may have been carried out, and the answer would be the same again. */
const OPEN_FOR_GOOD = { ...OPEN, repeated: false } as const;

const CHECK_URL = 'Ask the user to check that DOITONG_API_URL is the address of the Doitong API.';

/** Rows for submissions. Reading a job costs nothing and says nothing about its credits: see `readingFailure`. */
export const FAILURE_TABLE = {
  invalidRequest: {
    ...REFUSED,
    when: 'HTTP 400 or 422: invalid parameters or malformed request',
    what: 'The service refused the request as invalid',
    statuses: [400, 422],
    codes: ['BAD_USER_INPUT', 'BAD_REQUEST', 'INVALID_INPUT', 'INVALID_ARGUMENT', 'VALIDATION_ERROR'],
    kind: 'bad_input',
  },
  tooLarge: {
    ...REFUSED,
    when: 'HTTP 413: the request is too large',
    what: 'The service refused the request as too large',
    statuses: [413],
    codes: ['PAYLOAD_TOO_LARGE'],
    kind: 'bad_input',
  },
  badKey: {
    ...REFUSED,
    when: 'HTTP 401 or 403: missing or invalid key, or a key without permission',
    what: 'The service refused the API key',
    statuses: [401, 403],
    codes: ['UNAUTHENTICATED', 'UNAUTHORIZED', 'FORBIDDEN', 'INVALID_API_KEY'],
    kind: 'bad_key',
    remedy:
      "Ask the user to set DOITONG_API_KEY or DOITONG_API_KEY_FILE to a valid key in the host's configuration, and to restart the server.",
  },
  noCredits: {
    ...REFUSED,
    when: 'HTTP 402: insufficient credits',
    what: 'The service refused the order because the account has too few credits',
    statuses: [402],
    codes: ['INSUFFICIENT_CREDITS', 'PAYMENT_REQUIRED'],
    kind: 'no_credits',
  },
  moderated: {
    ...REFUSED,
    when: 'the order was refused by moderation',
    what: 'The service refused the order for reasons of moderation',
    codes: ['MODERATED', 'CONTENT_MODERATED', 'CONTENT_POLICY_VIOLATION', 'MODERATION_FAILED'],
    kind: 'moderated',
  },
  rateLimited: {
    ...NOT_NOW,
    when: 'HTTP 429: rate limit exceeded',
    what: 'The service refused the request because its rate limit is exceeded',
    statuses: [429],
    codes: ['RATE_LIMITED', 'RATE_LIMIT_EXCEEDED', 'TOO_MANY_REQUESTS'],
    kind: 'rate_limited',
  },
  jobLimited: {
    ...NOT_NOW,
    when: 'too many jobs at a time or today; asking for the status of jobs stays possible',
    what: 'The service refused the order because the plan allows no more jobs at the moment',
    codes: ['CONCURRENT_LIMIT_EXCEEDED', 'DAILY_LIMIT_EXCEEDED'],
    kind: 'rate_limited',
  },
  notOffered: {
    ...REFUSED,
    when: 'HTTP 404, 405, 406 or 415, or a GraphQL validation error that dropping fields does not cure',
    what: 'The service does not offer what was asked of it',
    statuses: [404, 405, 406, 415],
    codes: ['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED'],
    kind: 'unsupported_service',
    remedy: CHECK_URL,
  },
  movedElsewhere: {
    ...REFUSED,
    when: 'HTTP 301, 307 or 308: a redirect of the whole request; never followed, because the key would go along',
    what: 'The service redirects to another address, which is never followed',
    statuses: [301, 307, 308],
    kind: 'unsupported_service',
    remedy: CHECK_URL,
  },
  redirected: {
    ...OPEN_FOR_GOOD,
    when: 'any other HTTP 3xx: a redirect that may follow on an order that was carried out; never followed',
    what: 'The service redirects to another address, which is never followed',
    statuses: [[300, 399]],
    kind: 'unsupported_service',
    remedy: CHECK_URL,
  },
  conflict: {
    ...OPEN,
    when: 'HTTP 408 or 409: the request timed out there, or its idempotency key is in use',
    what: 'The service is still busy with an earlier try of this request',
    statuses: [408, 409],
    codes: ['CONFLICT', 'IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_KEY_IN_USE', 'REQUEST_IN_PROGRESS'],
    kind: 'ambiguous',
  },
  keyReused: {
    ...OPEN_FOR_GOOD,
    when: 'the idempotency key belongs to another request there',
    what: 'The service says that the idempotency key of this order belongs to another request',
    codes: ['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_MISMATCH'],
    kind: 'ambiguous',
  },
  serviceError: {
    ...OPEN,
    when: 'HTTP 5xx: server error',
    what: 'The service failed with an internal error',
    statuses: [[500, 599]],
    codes: ['INTERNAL_SERVER_ERROR', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE', 'TIMEOUT'],
    kind: 'service_error',
  },
  otherRefusal: {
    ...OPEN_FOR_GOOD,
    when: 'any other HTTP 4xx',
    what: 'The service refused the request',
    statuses: [[400, 499]],
    kind: 'service_error',
  },
  errorWithoutCode: {
    ...OPEN,
    when: 'HTTP 2xx with errors of no known code and without a job',
    what: 'The service answered with an error of unknown meaning',
    kind: 'service_error',
  },
  unreadable: {
    ...OPEN,
    when: 'HTTP 2xx with an answer that cannot be read or holds no job',
    what: 'The service gave an answer that cannot be read',
    statuses: [[200, 299]],
    kind: 'ambiguous',
  },
  unknownJob: {
    ...NOTHING,
    when: 'reading a job that the service does not know (a null job, or `NOT_FOUND`)',
    what: 'The service does not know this job at the moment',
    codes: ['NOT_FOUND', 'JOB_NOT_FOUND'],
    kind: 'service_error',
    creditsSpent: 'maybe',
    retry: 'later',
    repeated: false,
  },
  noJobQuery: {
    ...NOTHING,
    when: 'no way to ask for a job was found',
    what: 'No way to ask the service for a job was found',
    kind: 'unsupported_service',
    creditsSpent: 'maybe',
    retry: 'no',
    repeated: false,
  },
  paused: {
    ...NOTHING,
    when: 'held back here: the service asked for silence for longer than a caller waits',
    what: 'The service has asked for no requests until its limit is over, so nothing was sent',
    kind: 'rate_limited',
    creditsSpent: 'no',
    retry: 'later',
    repeated: false,
  },
  notSent: {
    ...NOT_NOW,
    when: 'no connection: nothing was sent',
    what: 'The service could not be reached; nothing was sent',
    kind: 'unreachable',
  },
  blocked: {
    ...REFUSED,
    when: 'no connection until somebody changes something: a certificate that is not trusted, a proxy that refuses; nothing was sent',
    what: 'The service could not be reached; nothing was sent',
    kind: 'unreachable',
  },
  lost: {
    ...OPEN,
    when: 'the connection broke, or no answer came in time, after the request was sent',
    what: 'The service gave no answer',
    kind: 'ambiguous',
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
