// Owns what the sandbox answers with: the form of an answer, and refusals with their codes and the documented body.

export type Answer = {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /** `lost`: the connection is destroyed instead; `truncated`: half of the body under the length of the whole. */
  delivery?: 'lost' | 'truncated';
  /** What the answer lacks of the headers about the rate limit: all of them where a proxy answers. */
  lacks?: 'reset' | 'rate-headers';
};

/** Only INSUFFICIENT_CREDITS is on the service's page; the other codes are this sandbox's own. */
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

type RefusalOptions = { details?: Record<string, unknown>; retryAfterSeconds?: number };

/** What the sandbox throws when it does not do what was asked. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly extensions: Record<string, unknown>;

  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly options: RefusalOptions = {},
  ) {
    super(message);
    this.extensions = { code, ...options.details };
  }
}

export function answerJson(status: number, value: unknown): Answer {
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}

/** @param retryAfterSeconds of the first of them, which decides the status */
export function answerErrors(code: RefusalCode, errors: readonly object[], retryAfterSeconds?: number): Answer {
  const answer = answerJson(httpStatuses[code], { errors });
  if (retryAfterSeconds !== undefined) answer.headers['Retry-After'] = String(retryAfterSeconds);
  return answer;
}

export function answerRefusal({ code, message, extensions, options }: Refusal): Answer {
  return answerErrors(code, [{ message, extensions }], options.retryAfterSeconds);
}

/** Answers a refusal, too, when that is what `work` ends with; any other error goes on. */
export async function orRefusal(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return answerRefusal(error);
    throw error;
  }
}
