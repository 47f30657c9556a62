/** How long to wait between tries, and how many tries the process can afford: pure functions of state and dice. */

const BASE_MS = 500;
const FACTOR = 2;
const CAP_MS = 20_000;
/** A server's own delay above this is returned to the caller instead of being slept. */
export const OBEYED_DELAY_MAX_MS = 60_000;

/** Full jitter: anywhere between nothing and the exponential step. `attempt` counts from 1, `random` is in [0, 1). */
export function backOffMs(attempt: number, random: number): number {
  return Math.min(CAP_MS, BASE_MS * FACTOR ** (attempt - 1)) * random;
}

/** Tokens for retries, shared by a whole process so that an outage is not answered with a storm. */
export type RetryBudget = { tokens: number };

const BUCKET = 50;
export const RETRY_COST = { plain: 5, ambiguous: 10 } as const;

export const fullRetryBudget = (): RetryBudget => ({ tokens: BUCKET });

/** The budget after paying for a retry, or `undefined` when it cannot be afforded. */
export function payRetry(budget: RetryBudget, cost: number): RetryBudget | undefined {
  return budget.tokens < cost ? undefined : { tokens: budget.tokens - cost };
}

/** Every success gives one token back. */
export function refillRetries(budget: RetryBudget): RetryBudget {
  return { tokens: Math.min(BUCKET, budget.tokens + 1) };
}
