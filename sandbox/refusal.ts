// Owns how the sandbox says no: its error codes, their HTTP statuses and the documented error body.

/** Only INSUFFICIENT_CREDITS stands on the service's page; the other codes are this sandbox's own. */
const httpStatuses = {
  BAD_USER_INPUT: 400,
  BAD_REQUEST: 400,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  QUERY_TOO_COMPLEX: 400,
  IDEMPOTENCY_KEY_REUSED: 400,
  UNAUTHENTICATED: 401,
  INSUFFICIENT_CREDITS: 402,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMIT_EXCEEDED: 429,
  CONCURRENT_LIMIT_EXCEEDED: 429,
  DAILY_LIMIT_EXCEEDED: 429,
  INTERNAL_SERVER_ERROR: 500,
} as const;

export type RefusalCode = keyof typeof httpStatuses;

export type ErrorBody = { errors: { message: string; extensions: Record<string, unknown> }[] };

export function httpStatusOf(code: RefusalCode): number {
  return httpStatuses[code];
}

/** What the sandbox throws when it does not do what was asked. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly extensions: Record<string, unknown>;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: RefusalCode,
    message: string,
    options: { details?: Record<string, unknown>; retryAfterSeconds?: number } = {},
  ) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.extensions = { code, ...options.details };
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get httpStatus(): number {
    return httpStatuses[this.code];
  }

  get body(): ErrorBody {
    return { errors: [{ message: this.message, extensions: this.extensions }] };
  }
}
