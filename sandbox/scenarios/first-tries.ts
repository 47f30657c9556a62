// Owns the count of tries: which fault, if any, meets a try of a request.

import { createHash } from 'node:crypto';
import type { FirstTryFault } from './scenarios.ts';
import type { FirstTry } from './traits.ts';

export type Attempt = {
  method: string;
  path: string;
  body: string;
  idempotencyKey: string | undefined;
  isOrder: boolean;
};

const KEPT_REQUESTS = 10_000;

/**
 * Tries are of one request when they repeat its idempotency key or, where none is sent, its body: a repetition goes
 * through as soon as each fault was dealt once.
 */
export class FirstTries {
  private readonly dealt = new Map<string, number>();

  constructor(private readonly faults: readonly FirstTryFault[]) {}

  /** The fault for this try, when it belongs to this stage; it counts as dealt then. */
  deal<Stage extends FirstTry['stage']>(
    stage: Stage,
    attempt: Attempt,
  ): Extract<FirstTryFault, { stage: Stage }> | undefined {
    if (this.faults.length === 0) return undefined;
    const faults = this.faults.filter((fault) => attempt.isOrder || fault.stage === 'proxy');
    const request = requestOf(attempt);
    const before = this.dealt.get(request) ?? 0;
    const fault = faults[before];
    if (fault?.stage !== stage) return undefined;
    this.dealt.set(request, before + 1);
    this.forgetOldest();
    return fault as Extract<FirstTryFault, { stage: Stage }>;
  }

  private forgetOldest(): void {
    if (this.dealt.size <= KEPT_REQUESTS) return;
    const [oldest] = this.dealt.keys();
    if (oldest !== undefined) this.dealt.delete(oldest);
  }
}

function requestOf({ method, path, body, idempotencyKey }: Attempt): string {
  if (idempotencyKey !== undefined) return `key ${idempotencyKey}`;
  return `body ${createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('hex')}`;
}
