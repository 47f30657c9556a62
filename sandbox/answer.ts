// Owns the shape of an answer before it goes out, and the usual kinds of answer.

import { Refusal } from './refusal.ts';

export type Answer = {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /** `lost`: the connection is destroyed instead; `truncated`: half of the body under the length of the whole. */
  delivery?: 'lost' | 'truncated';
  /** Says nothing of when the rate limit's window ends. */
  silent?: boolean;
};

export const JSON_TYPE = 'application/json; charset=utf-8';

export function answerJson(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'Content-Type': JSON_TYPE, ...headers }, body: JSON.stringify(value) };
}

export function answerRefusal(refusal: Refusal): Answer {
  const wait = refusal.retryAfterSeconds;
  return answerJson(refusal.httpStatus, refusal.body, wait === undefined ? {} : { 'Retry-After': String(wait) });
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
