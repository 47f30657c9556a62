/** How a sample of a failure is written down, and what most of them have in common. */
import type { Failure, FailureKind } from '../../src/core/failure.ts';
import type { JobState } from '../../src/core/job.ts';
import type { Reason, ServiceAnswer } from '../../src/core/reasons.ts';
import { FAILURE_TABLE } from '../../src/doitong/failure-table.ts';

/** @param at the state of its job; `call`: refused before there was one */
export type Row<R extends Reason = Reason> = [
  at: JobState | 'call',
  kind: FailureKind,
  more: Partial<Failure>,
  reason: R,
];
/** The compiler asks for each reason. */
export type RowsOf<R extends Reason> = {
  [Code in R['code']]: readonly [Row<R & { code: Code }>, ...Row<R & { code: Code }>[]];
};

export const NO = { creditsSpent: 'no', retry: 'no' } as const;
export const LATER = { creditsSpent: 'no', retry: 'later' } as const;
export const OPEN = { creditsSpent: 'maybe', retry: 'same_job' } as const;
export const READ = { creditsSpent: 'maybe', retry: 'later' } as const;
export const LOST = { creditsSpent: 'maybe', retry: 'no' } as const;
export const PAID = { creditsSpent: 'yes', retry: 'same_job' } as const;
export const PAID_NO = { creditsSpent: 'yes', retry: 'no' } as const;
/** From NOW to midnight. */
export const TOMORROW = { ...LATER, retryAfterSeconds: 35_700 };
export const PROXY = { shown: 'http://proxy.example:3128', setting: 'HTTPS_PROXY' } as const;
export function answered(
  answer: ServiceAnswer,
  httpStatus: number,
  said?: string,
): Row<Reason & { code: 'service_answered' }> {
  const { kind, creditsSpent, retry } = FAILURE_TABLE[answer];
  const at = creditsSpent === 'no' ? 'failed' : 'submitting';
  const known = answer === 'noCredits' ? { creditsRequired: 20, creditsAvailable: 7 } : {};
  const reason = { code: 'service_answered', answer, purpose: 'submit', httpStatus, said } as const;
  return [at, kind, { creditsSpent, retry, ...known }, reason];
}
