// Owns the form of an answer, and refusals with their codes and the documented body.

export type Answer = {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /** `lost`: the connection is destroyed instead; `truncated`: half of the body under the length of the whole. */
  delivery?: 'lost' | 'truncated';
  /** What the answer lacks of the headers about the rate limit: all of them where a proxy answers. */
  lacks?: 'reset' | 'rate-headers';
};

/** What the sandbox throws when it does not do what was asked. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  /** @param code only INSUFFICIENT_CREDITS is on the service's page; the other codes are this sandbox's own */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly options: { details?: Record<string, unknown>; retryAfterSeconds?: number } = {},
  ) {
    super(message);
  }

  /** As it stands in an answer. */
  get entry() {
    return { message: this.message, extensions: { code: this.code, ...this.options.details } };
  }
}

export function answerJson(status: number, value: unknown): Answer {
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}

/** The refusal decides the status and when to come back, also where there are more errors than it. */
export function answerRefusal(refusal: Refusal, errors: readonly object[] = [refusal.entry]): Answer {
  const answer = answerJson(refusal.status, { errors });
  const seconds = refusal.options.retryAfterSeconds;
  return seconds === undefined ? answer : { ...answer, headers: { ...answer.headers, 'Retry-After': String(seconds) } };
}

/** Answers whatever `work` ends with. */
export async function answerOf(work: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return answerRefusal(error);
    return answerRefusal(new Refusal(500, 'INTERNAL_SERVER_ERROR', 'The sandbox is at fault'));
  }
}
